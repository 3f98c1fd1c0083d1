# frozen_string_literal: true

require "stringio"
require_relative "recorded"

# Capistrano 3 as it is, up to where SSHKit would connect: there, what would go
# to which host is written down, and hosts answer as told.
class RecordedCapistrano3
  include Recorded

  # Why there is nothing to record, or nil.
  MISSING = case Gem.loaded_specs["capistrano"]&.version.to_s
            when /\A3\./ then nil
            else "this bundle has no Capistrano 3: see gemfiles/"
            end
  unless MISSING
    require "capistrano/all"
    require "capistrano/immutable_task"
    require "capistrano/murder"
    require "capistrano/scm/murder"

    # What capistrano/setup gives to every object, for the blocks of `on` alone:
    # RSpec's matchers have methods of the same names.
    SSHKit::Backend::Abstract.include(Capistrano::DSL)

    # SSHKit's backend for these hosts.
    class Backend < SSHKit::Backend::Abstract
      class << self
        attr_accessor :recorder

        def config = @config ||= Struct.new(:pty, :connection_timeout, :ssh_options).new
      end

      def upload!(from, to, _options = {}) = self.class.recorder.transfer(:up, from, to, host)
      def download!(from, to, _options = {}) = self.class.recorder.transfer(:down, from, to, host)

      private

      def execute_command(cmd)
        output.log_command_start(cmd)
        cmd.started = true
        self.class.recorder.execute(cmd, host)
      end
    end
  end

  Step = Struct.new(:hosts, :lines, keyword_init: true)

  attr_reader :log

  # @param capfile [String] the text of a deploy.rb
  # @param plugins [Array] installed before it
  def initialize(capfile = "", plugins: [Capistrano::Murder], requiring: [])
    @script = []
    @answers = []
    @lock = Mutex.new
    @log = StringIO.new
    Backend.recorder = self
    start_anew
    requiring.each { |file| load "#{file}.rb" }
    plugins.each { |plugin| env.install_plugin(plugin) }
    Rake::Task["load:defaults"].invoke
    main.instance_eval(capfile)
    env.set(:sshkit_backend, Backend)
    env.set(:format, :simpletext)
    env.set(:scm, nil) unless env.scm_plugin_installed?
    env.configure_scm
    env.configure_backend
    SSHKit.config.output = SSHKit::Formatter::SimpleText.new(@log)
  end

  def invoke(task, arguments = {})
    before = ENV.to_h
    ENV.update(arguments.transform_keys(&:to_s))
    env.instance_variable_set(:@filters, nil)
    @script << "== cap #{[task, *arguments.map { |name, value| "#{name}=#{value}" }].join(" ")}"
    Rake.application.tasks.each(&:reenable)
    Rake::Task[task].invoke
  ensure
    ENV.replace(before)
  end

  def env = Capistrano::Configuration.env
  def before(task, hook) = main.send(:before, task, hook)
  def after(task, hook) = main.send(:after, task, hook)
  def before_task(task, &block) = main.send(:before, task, "#{task}_before", &block)
  def after_task(task, &block) = main.send(:after, task, "#{task}_after", &block)
  def set(name, value) = env.set(name, value)
  def adapter = Murder::Capistrano3.current

  def described_tasks
    Rake.application.tasks.select { |task| task.name.start_with?("murder:") }
        .to_h { |task| [task.name, task.full_comment] }
  end

  # A step of a command to several hosts is about to begin.
  def step(hosts)
    @script << Step.new(hosts: hosts.map(&:hostname), lines: Hash.new { |hash, line| hash[line] = [] })
  end

  # The lines, hosts in the order in which they were asked.
  def script
    @script.flat_map do |one|
      next one if one.is_a?(String)

      one.lines.map do |(sign, text), hosts|
        "#{hosts.sort_by { |host| one.hosts.index(host) }.join(",")} #{sign} #{text}"
      end
    end
  end

  def execute(cmd, host)
    line = cmd.to_command.gsub(%r{/usr/bin/env }, "")
    note(host, "$", line)
    found = answer_to(line, host.hostname)
    hand_over(found.error) if found&.error
    cmd.on_stdout(nil, found.out) if found
    cmd.on_stderr(nil, found.err) if found
    cmd.exit_status = found ? found.status : 0
  end

  def transfer(direction, from, to, host)
    what = direction == :up ? "upload #{local_name(from)} to #{to}" : "download #{from}"
    note(host, ":", "#{what} (scp)")
    File.write(to, "d4:spam4:eggse") if direction == :down
    found = answer_to(what, host.hostname) or return
    hand_over(found.error) if found.error
    raise Net::SCP::Error, found.err unless found.status.zero?
  end

  private

  # As if the process had only just begun.
  def start_anew
    Rake::TaskManager.record_task_metadata = true
    Capistrano::Configuration.reset!
    Rake.application = Capistrano::Application.new
    Rake::Task.define_task("load:defaults") { load "capistrano/defaults.rb" }
    %w[framework deploy].each do |name|
      load "#{Gem.loaded_specs["capistrano"].full_gem_path}/lib/capistrano/tasks/#{name}.rake"
    end
  end

  def main = TOPLEVEL_BINDING.receiver

  # Ctrl-C reaches the main thread, while this one waits for its host.
  def hand_over(error)
    raise error unless error.is_a?(SignalException)

    pressed = @lock.synchronize { @pressed.tap { @pressed = true } }
    Thread.main.raise(error) unless pressed
    sleep
  end

  def note(host, sign, text)
    @lock.synchronize { @script.last.lines[[sign, text]] << host.hostname }
  end
end

RSpec.shared_context "with Capistrano 3" do
  include Recorded::Helpers

  before do
    allow(SSHKit::Coordinator).to receive(:new).and_wrap_original do |original, hosts|
      recorder.step(Array(hosts))
      original.call(hosts)
    end
  end

  def cap(text = "", **options)
    @recorder = RecordedCapistrano3.new(text, **options)
  end

  def operator_error
    Murder::Error
  end
end

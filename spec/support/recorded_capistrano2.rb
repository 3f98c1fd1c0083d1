# frozen_string_literal: true

require "stringio"
require_relative "recorded"

# Capistrano 2 as it is, up to where it would write into an SSH connection:
# there, what would go to which host is written down, and hosts answer as told.
class RecordedCapistrano2
  include Recorded

  # Why there is nothing to record, or nil.
  MISSING = case Gem.loaded_specs["capistrano"]&.version.to_s
            when /\A2\./ then nil
            else "this bundle has no Capistrano 2: see gemfiles/"
            end
  require "capistrano/cli" unless MISSING

  Transport = Struct.new(:socket)
  Session = Struct.new(:xserver, :transport) do
    def process(_wait) = nil
    def closed? = false
    def shutdown! = nil
    def close = nil
  end

  attr_reader :config, :script, :log
  # What the connections go through, if anything.
  attr_accessor :socket

  # @param capfile [String] the text of a Capfile
  # @param requiring [Boolean] whether it gets `require "murder"` first
  def initialize(capfile = "", requiring: true)
    @script = []
    @answers = []
    @log = StringIO.new
    @config = Capistrano::Configuration.new(output: @log)
    @config.logger.level = Capistrano::Logger::TRACE
    pretend_to_connect
    # As `require "murder"` in a Capfile does it, however often a process does it.
    @config.load { Murder::Capistrano2.install(self) } if requiring
    @config.load(string: capfile)
  end

  def invoke(task, arguments = {})
    before = ENV.to_h
    ENV.update(arguments.transform_keys(&:to_s))
    @script << "== cap #{[task, *arguments.map { |name, value| "#{name}=#{value}" }].join(" ")}"
    config.find_and_execute_task(task)
  ensure
    ENV.replace(before)
  end

  def before(task, hook) = config.before(task, hook)
  def after(task, hook) = config.after(task, hook)
  def before_task(task, &block) = config.before(task, &block)
  def after_task(task, &block) = config.after(task, &block)
  def set(name, value) = config.set(name, value)
  def adapter = Murder::Capistrano2.install(config)

  # The first connection to the host works, later ones fail.
  def after_connecting(host, error)
    @later = { host => error }
    @connected = []
  end

  def described_tasks
    config.task_list(:all).to_h { |task| [task.fully_qualified_name, task.description] }
  end

  # To be called where Command.process is replaced.
  def process(tree, sessions)
    commands = sessions.group_by { |session| tree.branches_for(session.xserver).first.command }
    commands.each { |command, those| script << "#{names(those)} $ #{command}" }
    failed = sessions.reject { |session| answered_well?(tree.branches_for(session.xserver).first, session.xserver) }
    return if failed.empty?

    error = Capistrano::CommandError.new("failed: ...")
    error.hosts = failed.map(&:xserver)
    raise error
  end

  # To be called where Transfer.process is replaced.
  def transfer(direction, from, to, sessions, options)
    what = direction == :up ? "upload #{local_name(from)} to #{to}" : "download #{from}"
    script << "#{names(sessions)} : #{what} (#{options.fetch(:via, :sftp)})"
    File.write(to, "d4:spam4:eggse") if direction == :down
    failed = sessions.select { |session| answer_to(what, session.xserver.host)&.status.to_i.positive? }
    return if failed.empty?

    why = answer_to(what, failed.first.xserver.host).err
    error = Capistrano::TransferError.new("upload via scp failed: x (#{why})")
    error.hosts = failed.map(&:xserver)
    raise error
  end

  private

  # @return [Boolean] whether the host's command ends well
  def answered_well?(branch, server)
    found = answer_to(branch.command, server.host) or return true
    raise found.error if found.error

    channel = { server: server, host: server.host, options: { logger: config.logger } }
    branch.callback.call(channel, :out, found.out) unless found.out.empty?
    branch.callback.call(channel, :err, found.err) unless found.err.empty?
    found.status.zero?
  end

  def names(sessions)
    sessions.map { |session| session.xserver.host }.join(",")
  end

  def pretend_to_connect
    recorder = self
    config.define_singleton_method(:connection_factory) { recorder }
  end

  public

  def connect_to(server)
    found = answer_to("connect", server.host)
    raise found.error if found&.error
    raise @later[server.host] if @later&.key?(server.host) && @connected.include?(server.host)

    @connected&.push(server.host)

    Session.new(server, Transport.new(socket))
  end
end

RSpec.shared_context "with Capistrano 2" do
  include Recorded::Helpers

  before do
    require "murder/capistrano2"
    Thread.current[:sessions] = {}
    Thread.current[:rollback_requests] = nil
    Thread.current[:task_call_frames] = []
    allow(Capistrano::Command).to receive(:process) { |tree, sessions, _options| recorder.process(tree, sessions) }
    allow(Capistrano::Transfer).to receive(:process) do |direction, from, to, sessions, options|
      recorder.transfer(direction, from, to, sessions, options)
    end
  end

  def cap(capfile = "", **options)
    @recorder = RecordedCapistrano2.new(capfile, **options)
  end

  def operator_error
    Capistrano::Error
  end
end

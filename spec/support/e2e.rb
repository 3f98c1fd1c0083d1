# frozen_string_literal: true

require "shellwords"
require_relative "hosts"

# What the specs on real hosts share: one fleet of four for all of them, emptied
# before each example. `include_context "with hosts"` brings it, `"with hosts", 3`
# so many of them.
module E2E
  COUNT = 4
  ROOT = Hosts::Operator::ROOT
  # Whether the programs that MURDER_PROGRAMS names have sanitizers in them.
  SANITIZED = ENV.key?("MURDER_SANITIZED")
  # Where a program built with sanitizers writes what it found, on each host.
  FINDINGS = "/run/murder-host-findings"

  # The hooks of README.
  HOOKS = <<~RUBY
    after "deploy:setup", "murder:distribute_files"
    before "murder:start_seeding", "murder:start_tracker"
    after "murder:stop_seeding", "murder:stop_tracker"
  RUBY

  class << self
    # The fleet of this process; made at first use, removed at_exit.
    def fleet
      @fleet ||= Hosts::Fleet.new(count: COUNT, environment: environment, room: 1 << 30).tap do |fleet|
        at_exit { fleet.close }
        fleet.start
      end
    end

    def environment
      return {} unless SANITIZED

      { "ASAN_OPTIONS" => "detect_leaks=1:log_path=#{FINDINGS}", "UBSAN_OPTIONS" => "log_path=#{FINDINGS}" }
    end
  end

  # Helpers of the examples.
  module Helpers
    def fleet
      E2E.fleet
    end

    def hosts
      fleet.hosts.first(host_count)
    end

    def host(number)
      fleet[number]
    end

    def addresses
      hosts.map(&:address)
    end

    # Somebody with this Capfile, in a directory of their own.
    def operator(capfile)
      @operators = (@operators || 0) + 1
      Hosts::Operator.new(fleet, "operator#{rand(1 << 40)}", capfile)
    end

    # Murder without a deploy: roles and a directory, as README shows it.
    def standalone(more = "", peers: addresses, seeder: addresses.first, tracker: addresses.first)
      operator(<<~RUBY)
        require "murder"
        role :peer, *#{peers.inspect}
        role :seeder, #{seeder.inspect}
        role :tracker, #{tracker.inspect}
        set :remote_murder_path, "/srv/murder"
        #{more}
      RUBY
    end

    # A deploy by murder of `repository` to all hosts.
    def deployer(repository, more = "", servers: addresses)
      operator(<<~RUBY)
        load "deploy"
        require "murder"
        set :application, "app"
        set :deploy_to, "/srv/app"
        set :deploy_via, :murder
        set :scm, :git
        set :repository, #{repository.inspect}
        set :branch, "main"
        set :copy_exclude, [".git*"]
        set :shared_children, []
        set :normalize_asset_timestamps, false
        set :group_writable, false
        role :app, *#{servers.inspect}
        #{HOOKS}
        #{more}
      RUBY
    end

    # Somebody with Capistrano 3, this Capfile (below capistrano/setup) and this
    # config/deploy.rb.
    def operator3(capfile, deploy, servers)
      @operators = (@operators || 0) + 1
      Hosts::Operator3.new(fleet, "operator#{rand(1 << 40)}", capfile, deploy, servers)
    end

    # A deploy by murder of `repository`, a path on the first host, with Capistrano 3.
    def deployer3(repository, more = "", capfile: "", servers: nil)
      operator3(<<~CAPFILE, <<~DEPLOY, servers || addresses.map { |one| "server #{one.inspect}, roles: %w{app}" })
        require "capistrano/deploy"
        require "capistrano/scm/murder"
        install_plugin Capistrano::SCM::Murder
        #{capfile}
      CAPFILE
        set :application, "app"
        set :deploy_to, "/srv/app"
        set :repo_url, #{repository.inspect}
        set :branch, "main"
        #{more}
      DEPLOY
    end

    # Brings the programs to /srv/murder of the hosts: the first time by cap, then
    # as copies of what that brought.
    def distributed(cap)
      sent = fleet.workdir.join("sent")
      if File.exist?(sent)
        hosts.each { |host| FileUtils.cp_r(sent, host.path("/srv/murder"), preserve: true) }
      else
        expect(cap.cap("murder:distribute_files")).to succeed
        FileUtils.cp_r(host(1).path("/srv/murder"), sent, preserve: true, dereference_root: false)
      end
    end

    # What of murder's runs on a host, as command lines.
    def running(host)
      host.processes.map(&:last).grep(/murder_|sleep/)
    end

    def all_running
      hosts.select(&:up?).flat_map { |host| running(host).map { |command| "#{host.name}: #{command}" } }
    end

    # Waits until nothing of murder's runs on any host; gives what still does.
    def left_running(timeout: 15)
      deadline = Hosts::Processes.now + timeout
      sleep 0.1 until all_running.empty? || Hosts::Processes.now > deadline
      all_running
    end

    # Files in the hosts' /tmp.
    def left_in_temp(those = hosts)
      those.flat_map { |host| Dir.children(host.path("/tmp")).map { |name| "#{host.name}: #{name}" } }
    end

    # Writes { "path" => "content" } below a directory of a host.
    def write_files(host, dir, files)
      files.each do |name, content|
        path = File.join(host.path(dir), name)
        FileUtils.mkdir_p(File.dirname(path))
        File.binwrite(path, content)
      end
    end

    # A directory worth sending: sizes around the piece length, names of every kind.
    def payload(seed = 1)
      random = Random.new(seed)
      { "small" => "x", "empty" => "", "deep/er/file" => random.bytes(300_000), "with space" => random.bytes(70_000),
        "quote's" => "q", "ünïcode" => "u", "large" => random.bytes(1_500_000), ".hidden" => "h" }
    end

    def tree(host, dir)
      Hosts::Tree.of(host.path(dir))
    end

    # A git repository on the control host; gives its path. Its commits are `commit`ted.
    def repository
      path = fleet.workdir.mkdir("repositories", rand(1 << 40).to_s)
      Hosts::Shell.run!("git", "init", "--quiet", "--initial-branch=main", path)
      path
    end

    def commit(path, files, delete: [])
      files.each do |name, content|
        FileUtils.mkdir_p(File.dirname(File.join(path, name)))
        File.binwrite(File.join(path, name), content)
      end
      delete.each { |name| File.unlink(File.join(path, name)) }
      git = ["git", "-C", path, "-c", "user.name=Spec", "-c", "user.email=spec@example.org"]
      Hosts::Shell.run!(*git, "add", "--all")
      Hosts::Shell.run!(*git, "commit", "--quiet", "--message", "change")
      Hosts::Shell.run!("git", "-C", path, "rev-parse", "HEAD").chomp
    end

    # Puts that repository where `repo_url "/srv/source.git"` finds it, on the
    # first host: nobody else could talk to it.
    def publish(path)
      bare = fleet.workdir.join("#{File.basename(path)}.git")
      [bare, host(1).path("/srv/source.git")].each { |dir| FileUtils.rm_rf(dir) }
      Hosts::Shell.run!("git", "clone", "--quiet", "--bare", path, bare)
      FileUtils.cp_r(bare, host(1).path("/srv/source.git"))
    end

    # Empties every host and starts those again that are off.
    def clean_hosts
      fleet.hosts.each_with_index { |host, index| fleet.restart(index + 1) unless host.up? }
      fleet.hosts.each do |host|
        host.processes.map(&:first).each { |pid| host.sh("kill -9 #{pid}") }
        host.sh!('find /srv /tmp ~ -mindepth 1 -delete; rm -f "$0"*', FINDINGS)
      end
      fleet.clean_control
    end

    # What a sanitizer found in a program on any host.
    def findings
      hosts.select(&:up?).flat_map { |host| Dir.glob("#{host.path(FINDINGS)}*").map { |file| File.read(file) } }
    end

    # Programs on the hosts that have no sanitizers in them.
    def unsanitized
      programs = hosts.select(&:up?).flat_map { |host| Dir.glob(host.path("/srv/{,app/shared/}murder/murder_*")) }
      programs.reject { |file| File.binread(file).include?("__asan_init") }
    end
  end
end

RSpec.shared_context "with hosts" do |count = E2E::COUNT|
  include E2E::Helpers

  let(:host_count) { count }

  before do
    skip "this needs namespaces, which are not allowed here" if Hosts.kind == :local
    clean_hosts
  end

  after { expect([findings, unsanitized]).to all(be_empty) if E2E::SANITIZED }
end

RSpec::Matchers.define(:fail_saying) do |*patterns|
  match { |result| !result.ok? && patterns.all? { |pattern| result.text.match?(pattern) } }
  failure_message { |result| "expected a failure saying #{patterns.inspect}; status #{result.status}:\n#{result.text}" }
end

RSpec::Matchers.define(:succeed) do
  match(&:ok?)
  failure_message { |result| "#{result.argv.last(4).join(" ")}: status #{result.status}:\n#{result.text}" }
end

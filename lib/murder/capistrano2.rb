# frozen_string_literal: true

require "capistrano/configuration"
require "capistrano/errors"
require_relative "hosts"
require_relative "options"
require_relative "tasks"
require_relative "transfer"

module Capistrano
  module Deploy
    module Strategy
      # Capistrano looks for the constant first and would find ::Murder.
      autoload :Murder, File.expand_path("../capistrano/recipes/deploy/strategy/murder", __dir__)
    end
  end
end

module Murder
  # Murder in Capistrano 2: defines the variables, roles and tasks in a
  # configuration, and does on its servers what the tasks ask for.
  class Capistrano2
    VARIABLE = :murder_adapter
    # A connection that died, as net-ssh and the system say it.
    LOST = [Net::SSH::Exception, IOError, SystemCallError, SocketError].freeze
    private_constant :LOST

    # A role that stands for its default as long as the Capfile gives it no
    # server.
    class DefaultRole < ::Capistrano::Role
      # @param given [::Capistrano::Role] what was defined before murder was loaded
      # @yieldreturn [Array] servers
      def initialize(given, &default)
        super()
        @given = given
        @default = default
      end

      def servers
        own = @given.servers + super
        own.empty? ? @default.call : own
      end
      alias to_ary servers

      def clear
        @given.clear
        super
      end
    end

    # @param config [::Capistrano::Configuration]
    # @return [Capistrano2] the adapter of that configuration; sets everything up the first time
    def self.install(config)
      return config.fetch(VARIABLE) if config.exists?(VARIABLE)

      new(config).tap do |adapter|
        config.set(VARIABLE, adapter)
        adapter.define
      end
    end

    def initialize(config)
      @config = config
      @forced = {}
      @problems = nil
    end

    # Defines variables, roles and tasks.
    def define
      define_variables
      define_roles
      adapter = self
      config.namespace(:murder) do
        Tasks::ALL.each do |row|
          task(row.name, roles: row.roles, desc: row.description) { adapter.perform(row) }
        end
      end
    end

    # Runs a task's body.
    def perform(task)
      translated do
        options = read_options(task.needs)
        publish(options)
        task.body.call(self, options)
      end
    rescue StandardError => e
      raise unless cleaning?

      # At the end of a transfer the hooks after a stop must run all the same.
      problem(e)
    end

    # @return [Options] for a task that needs these values
    def read_options(needs = [])
      Options.new(variables: ->(name) { config.fetch(name, nil) }, arguments: ENV, forced: @forced, needs: needs)
    end

    # Runs the block with these values in place of arguments and variables.
    def with(forced)
      before = @forced
      @forced = forced
      yield
    ensure
      @forced = before
    end

    # Turns murder's errors into Capistrano's, which `cap` prints as one text
    # and exits with 1.
    def translated
      yield
    rescue CommandError => e
      raise ::Capistrano::CommandError, e.message
    rescue Error => e
      raise ::Capistrano::Error, e.message
    end

    # @!group What the tasks use

    # HOSTFILTER chooses among the peers; without tracker and seeder nothing
    # would reach those that are left.
    def hosts(*roles, filtered: false)
      servers = roles.flat_map do |role|
        config.find_servers(roles: [role], skip_hostfilter: !filtered && role != :peer)
      end.uniq
      return servers if servers.any?

      chosen = %w[HOSTS ROLES HOSTFILTER HOSTROLEFILTER].select { |name| ENV.key?(name) }
      raise HostsError, "no server has the role #{roles.join(" or ")}" \
                        "#{" among those chosen by #{chosen.join(" and ")}" if chosen.any?}"
    end

    def host_name(server)
      server.host
    end

    def run(command, servers)
      said = Hash.new { |hash, server| hash[server] = { out: +"", err: +"" } }
      on_hosts(servers) do |those|
        config.run(command.to_s, run_options(those)) do |channel, stream, data|
          ::Capistrano::Configuration.default_io_proc.call(channel, stream, data)
          said[channel[:server]][stream] << data
        end
      rescue ::Capistrano::CommandError => e
        raise failure(e.hosts.uniq.to_h { |server| [server, last_words(said[server])] }, those)
      end
    end

    def capture(command, servers)
      said = Hash.new { |hash, server| hash[server] = +"" }
      on_hosts(servers) do |those|
        config.run(command.to_s, run_options(those)) { |channel, _, data| said[channel[:server]] << data }
      rescue ::Capistrano::CommandError => e
        raise failure(e.hosts.uniq.to_h { |server| [server, last_words(err: said[server], out: +"")] }, those)
      end
      said
    end

    def upload(from, to, servers, via: :scp)
      on_hosts(servers) do |those|
        from.rewind if from.respond_to?(:rewind)
        config.upload(from, transfer_path(to), run_options(those).merge(via: via))
      rescue ::Capistrano::TransferError => e
        raise failure(e.hosts.uniq.to_h { |server| [server, "#{to}: #{transfer_reason(e)}"] }, those)
      end
    end

    def download(from, to, server)
      on_hosts([server]) do |those|
        config.download(transfer_path(from), to, run_options(those).merge(via: :scp))
      rescue ::Capistrano::TransferError => e
        raise failure({ server => "#{from}: #{transfer_reason(e)}" }, those)
      end
    end

    def invoke(task)
      config.find_and_execute_task("murder:#{task}")
    end

    def attempt
      yield
    rescue StandardError, SystemExit => e
      problem(e)
    end

    # Runs the block as the end of a transfer.
    # @return [Array<Exception>] what went wrong in it
    def cleaning
      before = @problems
      @problems = []
      yield
      @problems
    ensure
      @problems = before
    end

    def cleaning?
      !@problems.nil?
    end

    def dry_run?
      config.dry_run
    end

    def info(text)
      config.logger.info(text, "murder")
    end

    # @!endgroup

    private

    attr_reader :config

    def define_variables
      Options::VARIABLES.each do |row|
        config.set(row.name, row.default) unless row.default.nil? || config.exists?(row.name)
      end
      return if config.exists?(:remote_murder_path)

      config = self.config
      config.set(:remote_murder_path) { "#{config.fetch(:shared_path)}/murder" if config.exists?(:shared_path) }
    end

    def define_roles
      roles = config.roles
      default_role(:peer) { Hosts.peers(roles) { |server| server.options[:no_release] } }
      default_role(:tracker) { Hosts.first(roles[:peer].servers) }
      default_role(:seeder) { Hosts.first(roles[:peer].servers) }
    end

    def default_role(name, &default)
      config.roles[name] = DefaultRole.new(config.roles[name], &default)
    end

    # The original left the transfer's tag and archive in these variables;
    # hooks read them.
    def publish(options)
      return if options.tag.nil?

      config.set(:tag, options.tag)
      config.set(:filename, options.archive)
    end

    # Yields the servers. When one cannot be reached at the end of a transfer,
    # the others get their command all the same.
    def on_hosts(servers)
      reconnected = false
      begin
        yield servers
      rescue ::Capistrano::ConnectionError, *LOST => e
        lost = lost_servers(e, servers)
        lost.each { |server| config.sessions.delete(server)&.shutdown! }
        error = failure(lost.to_h { |server| [server, connection_reason(e, server)] }, servers)
        raise error unless cleaning?

        servers -= lost if reconnected || e.is_a?(::Capistrano::ConnectionError)
        reconnected = true
        problem(error) unless (lost & servers).any?
        servers.empty? ? return : retry
      end
    end

    def lost_servers(error, servers)
      return error.hosts if error.respond_to?(:hosts) && error.hosts
      return [error.session.xserver] if error.respond_to?(:session)

      servers
    end

    def connection_reason(error, server)
      return "the connection was lost (#{error.class}: #{error.message})" unless error.respond_to?(:hosts)

      reason = error.message[/#{Regexp.escape(server.to_s)} \((.*?)\)(?:, |\z)/m, 1] || error.message
      "cannot connect (#{reason})"
    end

    def run_options(servers)
      limit = read_options.max_hosts
      { hosts: servers, skip_hostfilter: true, eof: true }.merge(limit ? { max_hosts: limit } : {})
    end

    # @param reasons [Hash] server => what it said
    def failure(reasons, servers)
      task = config.current_task
      CommandError.new(reasons.transform_keys(&:host), n_hosts: servers.size,
                                                       what: task ? task.fully_qualified_name : "murder")
    end

    # The end of what a host said, on stderr if it used it.
    def last_words(said)
      text = said[:err].strip.empty? ? said[:out] : said[:err]
      lines = text.scrub("?").lines(chomp: true).map(&:strip).reject(&:empty?)
      lines.empty? ? "failed without a word" : lines.last(3).join("; ")
    end

    def transfer_reason(error)
      error.message[/\((.*)\)\s*\z/m, 1] || error.message
    end

    # scp and sftp begin in the home directory and expand nothing.
    def transfer_path(path)
      path.sub(%r{\A~/+}, "./")
    end

    def problem(error)
      config.logger.important("while cleaning up: #{error.message}", "murder")
      @problems << error if cleaning?
      nil
    end
  end
end

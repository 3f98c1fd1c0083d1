# frozen_string_literal: true

require_relative "../errors"

module Murder
  class Capistrano2
    # The five ways to the hosts, through Capistrano's connections. Whatever
    # fails is a CommandError that names host and reason.
    module Servers
      # A connection that died, as net-ssh and the system say it.
      LOST = [Net::SSH::Exception, IOError, SystemCallError, SocketError].freeze
      private_constant :LOST

      # HOSTFILTER chooses among the peers; without tracker and seeder nothing
      # would reach those that are left.
      #
      # @param roles [Array<Symbol>]
      # @param filtered [Boolean] whether HOSTFILTER holds for all roles
      # @return [Array<::Capistrano::ServerDefinition>] each once, never empty
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

      # @return what the Capfile says of the server
      def property(server, name)
        server.options[name]
      end

      # Runs a command on all servers at once; a Hash gives each its own.
      def run(command, servers)
        execute(command, servers) { |channel, stream, data| default_io.call(channel, stream, data) }
        nil
      end

      # @return [Hash] server => what it printed on stdout
      def capture(command, servers)
        execute(command, servers).transform_values { |said| said[:out] }
      end

      # @param from [String, IO] a local path, or something to read from
      def upload(from, to, servers, via: :scp)
        transferring(to, servers) do |those|
          from.rewind if from.respond_to?(:rewind)
          config.upload(from, transfer_path(to), run_options(those).merge(via: via))
        end
      end

      def download(from, to, server)
        transferring(from, [server]) do |those|
          config.download(transfer_path(from), to, run_options(those).merge(via: :scp))
        end
      end

      private

      def execute(command, servers)
        said = Hash.new { |hash, server| hash[server] = { out: +"", err: +"" } }
        reaching(servers) do |those|
          start(command, those) do |channel, stream, data|
            yield channel, stream, data if block_given?
            said[channel[:server]][stream] << data
          end
        rescue ::Capistrano::CommandError => e
          raise failure(e.hosts.uniq.to_h { |server| [server, CommandError.last_words(**said[server])] }, those)
        end
        said
      end

      # As config.run does it, with a branch of the tree for each command.
      def start(command, servers, &block)
        texts = command.is_a?(Hash) ? servers.group_by { |one| command.fetch(one).to_s } : { command.to_s => servers }
        return config.run(texts.keys.first, run_options(servers), &block) if texts.one?

        config.parallel(run_options(servers)) do |session|
          texts.each { |text, those| session.when("#{those.map(&:to_s)}.include?(server.to_s)", text, &block) }
        end
      end

      def transferring(file, servers)
        reaching(servers) do |those|
          yield those
        rescue ::Capistrano::TransferError => e
          raise failure(e.hosts.uniq.to_h { |server| [server, "#{file}: #{transfer_reason(e)}"] }, those)
        end
      end

      # Capistrano says it twice: "... failed on HOST: WHY (WHY)".
      def transfer_reason(error)
        text = error.message[/ failed on [^:]*: (.*)\z/m, 1] || error.message
        text = text[/\A(.*) \(\1\)\s*\z/m, 1] || text[/ \((.*)\)\s*\z/m, 1] || text
        text.lines.map(&:strip).reject(&:empty?).join("; ")
      end

      # Yields the servers. When one cannot be reached at the end of a
      # transfer, the others get their command all the same, and it is not
      # tried again.
      def reaching(servers, &block)
        @unreachable = [] unless cleaning?
        servers -= @unreachable
        return if servers.empty?

        connect(servers)
        block.call(servers)
      rescue ::Capistrano::ConnectionError, *LOST => e
        lost = lost_servers(e, servers)
        drop_connections(lost)
        error = failure(lost.to_h { |server| [server, connection_reason(e, server)] }, servers)
        raise error unless cleaning?

        problem(error)
        @unreachable |= lost
        reaching(servers, &block)
      end

      def connect(servers)
        return if dry_run? || read_options.max_hosts

        drop_connections(servers.reject { |server| alive?(config.sessions[server]) })
        new = servers.reject { |server| config.sessions.key?(server) }
        config.establish_connections_to(new)
        new.each { |server| watch(config.sessions[server]) }
      end

      # While others had a long step, nobody has answered on this connection: its
      # sshd may have given us up (ClientAliveInterval).
      def alive?(session)
        return false if session.nil?

        session.process(0)
        !session.closed?
      rescue *LOST
        false
      end

      def lost_servers(error, servers)
        return error.hosts if error.respond_to?(:hosts) && error.hosts
        return [error.session.xserver] if error.respond_to?(:session)

        servers
      end

      def connection_reason(error, server)
        return "the connection was lost (#{error.class}: #{error.message})" if error.respond_to?(:session)
        return error.message unless error.respond_to?(:hosts)

        reason = error.message[/#{Regexp.escape(server.to_s)} \((.*?)\)(?:, |\z)/m, 1] || error.message
        "cannot connect (#{reason})"
      end

      def drop_connections(servers)
        servers.each { |server| config.sessions.delete(server)&.shutdown! }
      end

      def run_options(servers)
        reached = config.find_servers(hosts: servers, skip_hostfilter: true)
        if reached != servers
          raise HostsError, "HOSTS=#{ENV.fetch("HOSTS", nil)} sends every command to all of these hosts, and this " \
                            "step is for #{servers.join(",")} alone: choose with HOSTFILTER instead"
        end

        limit = read_options.max_hosts
        { hosts: servers, skip_hostfilter: true, eof: true }.merge(limit ? { max_hosts: limit } : {})
      end

      def default_io
        ::Capistrano::Configuration.default_io_proc
      end

      # @param reasons [Hash] server => what it said
      def failure(reasons, servers)
        task = config.current_task
        what = task ? task.fully_qualified_name : "murder"
        CommandError.new(reasons.transform_keys { |server| host_name(server) }, n_hosts: servers.size, what: what)
      end

      # scp and sftp begin in the home directory and expand nothing.
      def transfer_path(path)
        path.sub(%r{\A~/+}, "./")
      end
    end
  end
end

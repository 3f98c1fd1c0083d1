# frozen_string_literal: true

require "net/scp"
require "net/ssh"
require "sshkit"
require_relative "../errors"
require_relative "crew"

module Murder
  class Capistrano3
    # The five ways to the hosts, through SSHKit's backends. Whatever fails is a
    # CommandError that names host and reason.
    module Servers
      # No connection came about, as net-ssh and the system say it.
      NOT_REACHED = [Net::SSH::AuthenticationFailed, Net::SSH::ConnectionTimeout, Net::SSH::HostKeyError,
                     Net::SSH::Proxy::ConnectError, Errno::ECONNREFUSED, Errno::EHOSTUNREACH, Errno::ENETUNREACH,
                     Errno::ETIMEDOUT, Errno::EHOSTDOWN, SocketError].freeze
      # A connection died.
      LOST = [Net::SSH::Exception, Errno::ECONNRESET, Errno::EPIPE, IOError].freeze
      private_constant :NOT_REACHED, :LOST

      # A command that ended with a status other than 0.
      class Failed < StandardError; end
      private_constant :Failed

      # Collects what a command prints, for SSHKit's interaction_handler.
      Said = Struct.new(:stdout, :stderr) do
        def on_data(_command, stream, data, _channel)
          self[stream] << data
        end
      end
      private_constant :Said

      # Capistrano's filters choose among the peers; without tracker and seeder
      # nothing would reach those that are left.
      #
      # @param roles [Array<Symbol>]
      # @param filtered [Boolean] whether the filters hold for all roles
      # @return [Array<::Capistrano::Configuration::Server>] each once, never empty
      def hosts(*roles, filtered: false)
        filtered = false if @whole_fleet
        chosen = roles.flat_map do |role|
          filtered || role == :peer ? env.filter(servers_of(role)) : servers_of(role)
        end.uniq
        chosen.any? ? chosen : raise(HostsError, nobody(roles))
      end

      # @return [Array<::Capistrano::Configuration::Server>] those that Capistrano makes releases on
      def release_servers
        env.filter(env.roles_for([:all]).reject { |server| server.fetch(:no_release) })
      end

      # Runs the block for every server, whatever the filters say.
      def whole_fleet
        @whole_fleet = true
        yield
      ensure
        @whole_fleet = false
      end

      def host_name(server)
        server.hostname
      end

      # @return what the Capfile says of the server
      def property(server, name)
        server.fetch(name)
      end

      # Runs a command on all servers at once; a Hash gives each its own.
      def run(command, servers)
        on_all(servers) { |backend, server| say(backend, command.is_a?(Hash) ? command.fetch(server) : command) }
        nil
      end

      # @return [Hash] server => what it printed on stdout
      def capture(command, servers)
        on_all(servers) { |backend| say(backend, command, verbosity: :DEBUG).stdout }
      end

      # @param from [String, IO] a local path, or something to read from
      def upload(from, to, servers)
        content = from.read if from.respond_to?(:read)
        transferring(to, servers) do |backend|
          next backend.upload!(content ? File.basename(to) : from, to) if dry_run?

          # how far it is, of one only: of all at once nobody could read it
          backend.upload!(content ? StringIO.new(content) : from, transfer_path(to),
                          servers.one? ? {} : { verbosity: :DEBUG })
        end
      end

      def download(from, to, server)
        transferring(from, [server]) { |backend| backend.download!(transfer_path(from), to) }
      end

      # Runs the block for all servers at once, each in a thread of its own.
      #
      # @yieldparam backend [SSHKit::Backend::Abstract] the server's
      # @yieldparam server
      # @return [Hash] server => the block's value
      # @raise [CommandError] when it failed on some; it has run on all of them
      def on_all(servers, &block)
        @unreachable = [] unless cleaning?
        results = {}
        failures = {}
        crew = @crew = Crew.new
        each_at_once(servers - @unreachable) do |backend, server|
          next unless crew.join?(Thread.current)

          connect(backend)
          results[server] = block.call(backend, server)
        rescue StandardError => e
          failures[server] = reason(e)
          # at the end of a transfer it is not tried again
          @unreachable << server if unreachable?(e)
        end
        raise failure(servers, failures) if failures.any?

        results
      end

      private

      def nobody(roles)
        why = if env.servers.none? then ": no server is defined"
              elsif roles.any? { |role| servers_of(role).any? }
                " among those chosen by --hosts, --roles, HOSTS, ROLES or :filter"
              end
        "no server has the role #{roles.join(" or ")}#{why}"
      end

      # @return [Array] the servers of a role, or its default
      def servers_of(role)
        given = env.roles_for([role])
        return given if given.any?

        role == :peer ? default_peers : Hosts.first(servers_of(:peer))
      end

      def default_peers
        roles = Hash.new { |hash, role| hash[role] = [] }
        env.servers.each do |server|
          own = server.roles.to_a
          (own.empty? ? [:none] : own).each { |role| roles[role] << server }
        end
        Hosts.peers(roles) { |server| server.fetch(:no_release) }
      end

      # As the DSL's `on` does it, with copies of the servers, but without its
      # filters and whatever runner the user has set: after Ctrl-C no
      # connection may be in use by this very thread.
      def each_at_once(servers)
        keep_connection_timeout
        limit = read_options.max_hosts
        options = limit ? { in: :groups, limit: limit, wait: 0 } : { in: :parallel }
        copies = Marshal.load(Marshal.dump(servers))
        SSHKit::Coordinator.new(copies).each(options) { |host| yield self, servers.find { |one| one == host } }
      end

      # SSHKit takes Capistrano's connection_timeout and does nothing with it: a
      # host that is off would be waited for as long as the system waits.
      def keep_connection_timeout
        SSHKit::Backend::Netssh.configure do |ssh|
          timeout = [env.fetch(:connection_timeout), ssh.ssh_options[:timeout]].compact.min
          ssh.ssh_options = ssh.ssh_options.merge(timeout: timeout) unless timeout == ssh.ssh_options[:timeout]
        end
      end

      # The connection that the next command takes from SSHKit's pool.
      def connect(backend)
        backend.send(:with_ssh) { |session| watch(session) } if backend.is_a?(SSHKit::Backend::Netssh)
      end

      # Of the shell's texts the operator sees what goes wrong, and with
      # `set :log_level, :debug` or in Capistrano's log all.
      #
      # @return [Said]
      def say(backend, command, verbosity: command.words.first == "sh" ? :DEBUG : :INFO)
        said = Said.new(+"", +"")
        done = backend.execute(command.to_s, raise_on_non_zero_exit: false, interaction_handler: said,
                                             verbosity: verbosity)
        return said if done || dry_run?

        raise Failed, CommandError.last_words(out: said.stdout, err: said.stderr)
      end

      def transferring(file, servers, &block)
        on_all(servers) do |backend|
          block.call(backend)
        rescue *NOT_REACHED, *LOST
          raise
        rescue StandardError => e
          raise Failed, "#{file}: #{e.message}"
        end
      end

      def unreachable?(error)
        [*NOT_REACHED, *LOST].any? { |kind| error.is_a?(kind) }
      end

      def reason(error)
        case error
        when Failed, Error then error.message
        when SSHKit::Command::Failed then sshkit_reason(error.message)
        when *NOT_REACHED then "cannot connect (#{error.message})"
        when *LOST then "the connection was lost (#{error.class}: #{error.message})"
        else "#{error.class}: #{error.message}"
        end
      end

      # What a command of SSHKit's own kind said.
      def sshkit_reason(text)
        out, err = text.match(/ stdout: (.*)\n[^\n]* stderr: (.*)\z/m)&.captures
        return text.tr("\n", " ") if err.nil?

        CommandError.last_words(out: out.sub(/\ANothing written\z/, ""), err: err.strip.sub(/\ANothing written\z/, ""))
      end

      def failure(servers, failures)
        ordered = servers.select { |server| failures.key?(server) }.to_h { |one| [label(one), failures[one]] }
        CommandError.new(ordered, n_hosts: servers.size, what: @what || "murder")
      end

      # Several servers may be one host with several ports.
      def label(server)
        server.port ? "#{server.hostname}:#{server.port}" : server.hostname
      end

      # After Ctrl-C nothing that was begun may go on: threads that wait for
      # their turn would start what is being stopped. Their connections were
      # cut in mid-packet; closing them ends what runs in their foreground.
      def interrupted
        @crew&.dismiss
        ObjectSpace.each_object(Net::SSH::Connection::Session) { |session| session.shutdown! unless session.closed? }
        SSHKit::Backend::Netssh.pool.flush_connections
      end

      # scp begins in the home directory and expands nothing.
      def transfer_path(path)
        path.sub(%r{\A~/+}, "./")
      end
    end
  end
end

# frozen_string_literal: true

require "tmpdir"
require_relative "commands"
require_relative "errors"
require_relative "machines"
require_relative "payload"

module Murder
  # The task distribute_files: the programs to all servers, to each those of
  # its own platform. Every host is asked once what it is and what it has; all
  # are checked before anything is changed on one; who has exactly these files
  # gets nothing.
  class Distribution
    WHAT = "murder:distribute_files"

    # @param runner an adapter: see {Tasks}
    # @param options [Options]
    def initialize(runner, options)
      @runner = runner
      @commands = Commands.new(options)
    end

    def call
      servers = runner.hosts(:tracker, :seeder, :peer, filtered: true)
      said = runner.capture(commands.inventory, servers)
      groups = by_platform(once(servers, said), said)
      payloads = groups.keys.to_h { |platform| [platform, Payload.new(platform)] }
      install(groups.to_h { |platform, those| [payloads[platform], lacking(payloads[platform], those, said)] })
    end

    private

    attr_reader :runner, :commands

    # @param groups [Hash{Payload => Array}] its servers
    def install(groups)
      servers = groups.values.flatten
      return if servers.empty?

      runner.run(commands.check_murder(groups.keys.map(&:kilobytes).max), servers)
      runner.run(commands.prepare_murder, servers)
      Dir.mktmpdir("murder") { |dir| upload(groups, dir) }
      runner.run(commands.unpack_murder, servers)
    end

    def upload(groups, dir)
      groups.each do |payload, servers|
        next if servers.empty?

        runner.info("#{names(servers)}: sending the programs")
        runner.upload(payload.write("#{dir}/#{payload.platform}.tgz"), commands.payload, servers)
      end
    end

    # Of a machine under several names, such as tracker and peer, the first.
    def once(servers, said)
      Machines.group(servers, said).map do |server, *others|
        runner.info("#{names([server, *others])}: the same machine, sent to once") if others.any?
        server
      end
    end

    # The servers that have not got exactly these files yet.
    def lacking(payload, servers, said)
      return servers if runner.dry_run?

      have, lack = servers.partition { |server| said.fetch(server, "").lines.drop(2).map(&:strip) == payload.inventory }
      runner.info("#{names(have)}: has these programs already, nothing sent") if have.any?
      lack
    end

    def names(servers)
      servers.map { |server| runner.host_name(server) }.join(", ")
    end

    # @return [Hash{String => Array}] platform => its servers
    # @raise [CommandError] naming every host whose platform is not one we have
    def by_platform(servers, said)
      return { Programs.local_platform => servers } if runner.dry_run?

      groups = servers.group_by { |server| Programs.platform(uname(said[server])) }
      strange = servers.to_h { |server| [runner.host_name(server), problem(uname(said[server]))] }.compact
      raise CommandError.new(strange, n_hosts: servers.size, what: WHAT) if strange.any?

      groups
    end

    # The first line, which a shell's start files may have printed; "": `uname` failed.
    def uname(said)
      said.to_s[/\A(?!machine )(.*)$/, 1].to_s.strip
    end

    # What is the matter with the platform of a host; nil: nothing.
    def problem(uname)
      platform = Programs.platform(uname)
      if platform.empty?
        return "`uname -sm` named no platform, the host said #{uname[0, 80].inspect}: that command must work " \
               "there, and the shell's start files must print nothing"
      end

      Programs.directory(platform)
      nil
    rescue ProgramsError => e
      e.message
    end
  end
end

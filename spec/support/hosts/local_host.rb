# frozen_string_literal: true

require "rbconfig"
require_relative "host"

module Hosts
  # A host where namespaces are not allowed: an sshd on an address of its own in
  # 127.0.0.0/8, its directories swapped in by proot. Network interface and
  # process list are the machine's.
  class LocalHost < Host
    PORT = 2222

    def initialize(number, **options)
      super
      FileUtils.mkdir_p(@workdir.join(@name, "run", "sshd"))
    end

    def launch
      read, @lifeline = IO.pipe
      @pid = @outer = Process.spawn(RbConfig.ruby, File.join(__dir__, "keeper.rb"), *prefix, *sshd,
                                    in: read, %i[out err] => log_file, pgroup: true)
      read.close
    end

    def links = []
    def go = nil
    def traffic = nil

    def wait_ready(timeout: 30)
      deadline = Processes.now + timeout
      until log.include?("Server listening on #{@address}")
        raise Error, "#{@name}: did not come up: #{log}" if Processes.now > deadline || !up?

        sleep 0.02
      end
    end

    # Of its own directories; all others are the machine's.
    def path(name)
      name = name.sub(%r{\A~(?=/|\z)}, Hosts.login.dir)
      place = directories.find { |there, _| name == there || name.start_with?("#{there}/") }
      place ? File.join(place.last, name.delete_prefix(place.first)) : name
    end

    def sh(script, *arguments, **options)
      Shell.run(*prefix, "sh", "-c", script, "sh", *arguments, **options)
    end

    def sh!(script, *arguments, **options)
      Shell.run!(*prefix, "sh", "-c", script, "sh", *arguments, **options)
    end

    def spawn(*argv, **options)
      Job.new(prefix, argv, log: @workdir.join(@name, "job-#{rand(1 << 40)}.log"), **options)
    end

    def processes
      pids.drop(1).filter_map do |pid|
        command = File.read("/proc/#{pid}/cmdline").tr("\0", " ").strip
        [pid, command] unless command.empty? || command.match?(%r{\A(?:sshd: |/usr/sbin/sshd |proot )})
      rescue Errno::ENOENT, Errno::ESRCH
        next
      end
    end

    def kill
      Process.kill(:TERM, @outer)
      reap
    end

    # The end of its standard input ends the keeper and all it keeps.
    def reap
      @lifeline.close unless @lifeline.closed?
      super
    end

    def cut
      raise Error, "a link cannot be cut without namespaces"
    end
    alias mend cut

    private

    def addresses
      @address = "#{@world.net}.#{@number}"
      @address6 = nil
      @port = PORT
      @own = @workdir.join(@name, "etc")
    end

    def directories
      disk = @workdir.join(@name, "disk")
      { "/tmp" => "#{disk}/tmp", "/srv" => "#{disk}/srv", Hosts.login.dir => "#{disk}/home",
        "/run" => @workdir.join(@name, "run") }
    end

    def prefix
      files = { "/etc/hosts" => @workdir.join("hosts-file"), "/etc/passwd" => @workdir.join(@name, "etc", "passwd"),
                "/etc/shadow" => @workdir.join(@name, "etc", "shadow") }
      ["proot", "-w", "/", *directories.merge(files).flat_map { |there, here| ["-b", "#{here}:#{there}"] }]
    end

    def sshd_config
      "ListenAddress #{@address}\n#{super}"
    end
  end
end

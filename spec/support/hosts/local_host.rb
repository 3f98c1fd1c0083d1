# frozen_string_literal: true

require "rbconfig"
require "shellwords"
require_relative "host"

module Hosts
  # A host where namespaces are not allowed: an sshd on an address of its own in
  # 127.0.0.0/8, whose sessions have a home of their own and begin in it. What is
  # not below `~` is the machine's, as are its network and its process list.
  class LocalHost < Host
    def launch
      read, @lifeline = IO.pipe
      @pid = @outer = Process.spawn(RbConfig.ruby, File.join(__dir__, "keeper.rb"), *sshd,
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

    # Of what is below `~`; all else is the machine's.
    def path(name)
      name.sub(%r{\A~(?=/|\z)}, home)
    end

    def real_path(name)
      File.realpath(path(name))
    end

    # What a path below `~` is called where nobody expands it.
    alias spelled path

    def sh(script, *arguments, **options)
      Shell.run(*session("sh", "-c", script, "sh", *arguments), **options)
    end

    def sh!(script, *arguments, **options)
      Shell.run!(*session("sh", "-c", script, "sh", *arguments), **options)
    end

    # The Job is the session's.
    def spawn(*argv, **options)
      Job.new([], session(*argv), log: @workdir.join(@name, "job-#{rand(1 << 40)}.log"), **options)
    end

    def processes
      pids.drop(1).filter_map do |pid|
        command = File.read("/proc/#{pid}/cmdline").tr("\0", " ").strip
        [pid, command] unless command.empty? || command.match?(%r{\A(?:sshd: |/usr/sbin/sshd )})
      rescue Errno::ENOENT, Errno::ESRCH
        next
      end
    end

    # The TCP ports on which something on it listens.
    def listening
      own = pids.flat_map { |pid| Dir.glob("/proc/#{pid}/fd/*") }.map { |fd| Processes.link(fd) }
      Processes.listeners.filter_map { |socket, port| port if own.include?(socket) }
    end

    def kill
      Process.kill(:TERM, @outer)
      reap
    end

    # The end of its standard input ends the keeper and all it keeps.
    def reap
      @lifeline&.close unless @lifeline&.closed?
      super
    end

    def cut
      raise Error, "a link cannot be cut without namespaces"
    end
    alias mend cut

    private

    def addresses
      @address = "#{LocalWorld::NET}.#{@number}"
      @address6 = nil
      @port = @world.port
      @own = @workdir.join(@name, "etc")
    end

    def home
      @workdir.join("disks", @name, "home")
    end

    # argv that runs another on the host: nothing else would be kept by its keeper.
    def session(*argv)
      ["ssh", "-F", "none", "-i", @keys.operator, "-l", @user, "-p", @port.to_s, "-o", "BatchMode=yes",
       "-o", "UserKnownHostsFile=#{@keys.known_hosts}", "-o", "LogLevel=ERROR", @address, Shellwords.join(argv)]
    end

    def sshd
      ["/usr/sbin/sshd", "-D", "-e", "-f", "#{@own}/sshd_config"]
    end

    def prepare
      super
      FileUtils.mkdir_p(File.join(home, "tmp"))
      FileUtils.cp(File.join(__dir__, "session.sh"), @own)
    end

    # One that begins where the session does.
    def sftp
      "/usr/lib/openssh/sftp-server"
    end

    # Of two values for a name, sshd takes the first.
    def sshd_config
      <<~CONFIG + super
        ListenAddress #{@address}
        UsePAM #{LocalWorld.pam}
        PermitUserRC no
        ForceCommand exec sh "#{@own}/session.sh"
      CONFIG
    end

    def variables
      super.merge("HOME" => home, "TMPDIR" => File.join(home, "tmp"))
    end
  end
end

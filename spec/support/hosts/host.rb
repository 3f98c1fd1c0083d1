# frozen_string_literal: true

require_relative "job"
require_relative "shell"

module Hosts
  # One host: namespaces inside the world, a link, an address, an sshd.
  class Host
    SETUP = File.read(File.join(__dir__, "host.sh")).freeze

    # Whether the machine's sshd executes itself anew for each login.
    EXECUTES_ITSELF = !File.exist?("/usr/lib/openssh/sshd-session")

    attr_reader :name, :address, :address6, :number, :link, :pid, :user, :port

    # The directory in which it sees its own keys and configuration.
    OWN = "/run/murder-host"

    def initialize(number, workdir:, world:, keys:, disk: nil, variables: {})
      @number = number
      @name = "host#{number}"
      @workdir = workdir
      @world = world
      @disk = disk
      @variables = variables
      @keys = keys
      @user = Hosts.login.name
      addresses
      prepare
      keys.equip(@workdir.join(@name, "etc"), @name, "#{@name}-six", @address, *@address6, port: @port)
    end

    # Gives it, before `launch`, a system of its own in place of the machine's:
    # a directory with mount points for all that is the host's.
    def root=(dir)
      @root = dir
      write_passwd("/bin/sh")
    end

    # Starts its namespaces; returns at once.
    def launch
      read, @go = IO.pipe
      @said, said = IO.pipe
      @outer = Process.spawn(environment, *@world.prefix, *World::UNSHARE, "sh", "-c", SETUP, "host", *sshd,
                             in: read, out: said, err: log_file, pgroup: true)
      [read, said].each(&:close)
    end

    # Waits until its namespaces are there. Gives the `ip` commands that link it.
    def links
      raise Error, "#{@name}: #{log}" unless @said.gets == "made\n"

      @pid = Processes.child(Processes.child(@outer))
      peer = "peer name eth0 address #{hardware_address} netns #{@pid}"
      ["link add #{@link} type veth #{peer}", "link set #{@link} master #{World::BRIDGE} up"]
    end

    # Lets it finish once its link is there.
    def go
      @go.puts("go")
      @go.close
    end

    # Waits until sshd listens.
    def wait_ready(timeout: 30)
      deadline = Processes.now + timeout
      until log.include?("Server listening on 0.0.0.0")
        raise Error, "#{@name}: did not come up: #{log}" if Processes.now > deadline || !up?

        sleep 0.005
      end
    end

    # Where a file of the host is found from outside.
    def path(name)
      File.join("/proc/#{@pid}/root", name.sub(%r{\A~(?=/|\z)}, Hosts.login.dir))
    end

    # The same, links followed as the host sees them.
    def real_path(name)
      path(sh!('readlink -e "$1"', name).chomp)
    end

    # A path as it must be written where no shell of the host expands `~`.
    def spelled(name)
      name
    end

    def inspect
      "#<host #{@name} #{@address}>"
    end

    # Runs a shell command on it without SSH; its Result.
    def sh(script, *arguments, **options)
      Shell.run(*@world.host_prefix(@pid), "sh", "-c", script, "sh", *arguments, **options)
    end

    def sh!(script, *arguments, **options)
      Shell.run!(*@world.host_prefix(@pid), "sh", "-c", script, "sh", *arguments, **options)
    end

    # Starts a command on it that goes on; a Job.
    def spawn(*argv, **options)
      Job.new(@world.host_prefix(@pid), argv, log: @workdir.join(@name, "job-#{rand(1 << 40)}.log"), **options)
    end

    # What runs on it besides sshd and its sessions: [[pid there, command], …].
    def processes
      Processes.beside(@pid).reject { |_, command| command.match?(/\A(sshd: |\S*sshd -D )/) }
    end

    # The pids, as seen from outside, of everything on it.
    def pids
      up? ? Processes.tree(@outer) : []
    end

    # [bytes received, bytes sent] as its network interface counts them.
    def traffic
      fields = File.read("/proc/#{@pid}/net/dev")[/^\s*eth0:(.*)/, 1].split
      [fields[0].to_i, fields[8].to_i]
    end

    # Unplugs it; `mend` plugs it in again.
    def cut
      @world.ip("link set #{@link} down")
    end

    def mend
      @world.ip("link set #{@link} up")
      @world.wait_forwarding([@link])
    end

    # Power off: every process on it dies, its link is gone.
    def kill
      Process.kill(:KILL, @pid)
      reap
      @world.ip("link del #{@link}")
    rescue Error
      nil # the kernel was faster
    end

    # The same, and nobody says so: what is sent to it is lost without a word.
    def vanish
      kill
      @world.ip("neigh replace #{@address} lladdr #{hardware_address} dev #{World::BRIDGE}")
    end

    # Waits for the end of its first process, however it came.
    def reap
      Process.wait(@outer) unless @pid.nil?
    rescue Errno::ECHILD
      nil # `up?` saw it
    ensure
      @pid = nil
    end

    def up?
      !@pid.nil? && Process.wait(@outer, Process::WNOHANG).nil?
    rescue Errno::ECHILD
      false
    end

    private

    def addresses
      @link = "h#{@number}"
      @address = "10.66.#{@number / 250}.#{(@number % 250) + 1}"
      @address6 = format("fd66::%x", @number)
      @port = 22
      @own = OWN
    end

    # The same at every start, so that nobody remembers a wrong one.
    def hardware_address
      format("02:66:00:00:%<high>02x:%<low>02x", high: @number / 256, low: @number % 256)
    end

    def log_file
      @workdir.join(@name, "log")
    end

    def log
      File.read(log_file).strip
    end

    def environment
      { "NAME" => @name, "ADDRESS" => @address, "ADDRESS6" => @address6, "DISK_SIZE" => @disk,
        "DISK" => @workdir.join("disks", @name), "ETC" => @workdir.join(@name, "etc"),
        "HOSTS_FILE" => @workdir.join("hosts-file"), "HOME_DIR" => Hosts.login.dir, "ROOT" => @root }
    end

    # As root of a user namespace sshd would try to become somebody else, which
    # is not mapped; so there it runs as the user it is outside. Before
    # OpenSSH 9.8 it need not execute itself anew for each login (-r), which is a
    # quarter of its CPU time.
    def sshd
      login = Hosts.login
      become = ["unshare", "--user", "--map-user=#{login.uid}", "--map-group=#{login.gid}", "--"]
      [*(become if @world.kind == :user), "/usr/sbin/sshd", "-D", "-e", *("-r" if EXECUTES_ITSELF && @root.nil?),
       "-f", "#{@own}/sshd_config"]
    end

    def prepare
      etc = @workdir.mkdir(@name, "etc")
      File.write(log_file, "")
      write_passwd("/bin/bash")
      File.write(File.join(etc, "shadow"), "#{Hosts.login.name}:*:19000:0:99999:7:::\n")
      File.write(File.join(etc, "sshd_config"), sshd_config)
    end

    def write_passwd(shell)
      login = Hosts.login
      own = "#{login.name}:x:#{login.uid}:#{login.gid}::#{login.dir}:#{shell}\n"
      others = File.readlines("/etc/passwd").grep_v(/\A#{Regexp.escape(login.name)}:/)
      File.write(@workdir.join(@name, "etc", "passwd"), own + others.join)
    end

    def sshd_config
      <<~CONFIG
        Port #{@port}
        HostKey "#{@own}/host_key"
        AuthorizedKeysFile "#{@own}/authorized_keys"
        StrictModes no
        UsePAM no
        PasswordAuthentication no
        KbdInteractiveAuthentication no
        PermitRootLogin yes
        PidFile none
        PrintMotd no
        UseDNS no
        MaxStartups 200
        MaxSessions 200
        Subsystem sftp #{sftp}
        #{"SetEnv #{variables.map { |name, value| "\"#{name}=#{value}\"" }.join(" ")}" if variables.any?}
      CONFIG
    end

    def sftp
      "internal-sftp"
    end

    # Of every session.
    attr_reader :variables
  end
end

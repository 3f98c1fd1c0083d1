# frozen_string_literal: true

require_relative "errors"
require_relative "processes"
require_relative "shell"

module Hosts
  # The namespaces all hosts of a run live in, and in them the control host: a
  # bridge with an address on it, the machine's files, a /tmp of its own.
  #
  # Its first process reads a pipe we hold. The pipe closes when we end, however
  # we end; that process ends with it, and the kernel kills all others.
  class World
    BRIDGE = "murder0"
    ADDRESS = "10.66.255.254/16"
    ADDRESS6 = "fd66::ffff/64"

    UNSHARE = %w[unshare --mount --net --uts --ipc --pid --fork --kill-child --mount-proc].freeze

    SCRIPT = File.read(File.join(__dir__, "world.sh")).freeze

    # Whether namespaces of this kind can be made here.
    def self.possible?(kind)
      argv = [*unshare(kind), "sh", "-c", "ip link add #{BRIDGE} type bridge && mount -t tmpfs tmpfs /run"]
      system(*argv, out: File::NULL, err: File::NULL)
    end

    def self.unshare(kind)
      kind == :user ? [*UNSHARE, "--user", "--map-root-user"] : UNSHARE
    end

    attr_reader :pid, :kind

    # Whether the machine, or the container that this is, can spare this many bytes
    # of memory.
    def self.spare?(bytes)
      limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
      limits = limits.select { |file| File.readable?(file) }.map { |file| File.read(file).to_i }
      available = File.read("/proc/meminfo")[/^MemAvailable: *(\d+)/, 1].to_i << 10
      [available, *limits.select(&:positive?)].min > 2 * bytes
    end

    # Makes it. `keep` lists directories that must stay visible though they are
    # under /tmp, as a checkout may be. The hosts' disks are in memory if `room`,
    # the bytes they need, can be spared: nothing is to be written, nor removed.
    def initialize(workdir, kind:, keep: [], room: nil)
      @workdir = workdir
      @kind = kind
      @room = room if room && self.class.spare?(room)
      workdir.mkdir("disks")
      workdir.mkdir("control", "tmp")
      File.chmod(0o1777, workdir.join("control", "tmp"))
      @keep = [*keep, workdir.path].map { |dir| File.realpath(dir) }.uniq.select { |dir| dir.start_with?("/tmp/") }
      launch(@keep)
    end

    # argv prefix: with the world's files and network; in its pid namespace too
    # when what runs there shall end with it.
    def prefix(own_pids: true)
      enter(@pid, "--mount", "--net", "--uts", "--ipc", *("--pid" if own_pids))
    end

    # What ends a command there with us, and its variables: nothing is needed.
    def leash = []
    def environment = {}

    # argv prefix: with everything of the host whose first process is `pid`.
    def host_prefix(pid)
      outer = @kind == :user ? enter(@pid) : []
      [*outer, "nsenter", "--target", pid.to_s, "--mount", "--net", "--uts", "--ipc", "--pid", "--"]
    end

    # Carries out `ip` commands in the world's network. Pids in them are those
    # outside, since only its network is entered.
    def ip(*lines)
      return if lines.empty?

      Shell.run!(*enter(@pid, "--net"), "ip", "-batch", "-", stdin: lines.join("\n"))
    end

    # Names in the control host's /tmp, without the directories kept visible.
    def temp
      Dir.children(@workdir.join("control", "tmp")) - @keep.map { |dir| dir.split("/")[2] }
    end

    # Where a file of the control host is found from outside.
    def path(name)
      File.join("/proc/#{@pid}/root", name)
    end

    # Limits what a host gets and what it sends.
    def shape(host, rate)
      limit = ["root", "tbf", "rate", rate, "burst", "32k", "latency", "50ms"]
      Shell.run!(*enter(@pid, "--net"), "tc", "qdisc", "replace", "dev", host.link, *limit)
      Shell.run!(*host_prefix(host.pid), "tc", "qdisc", "replace", "dev", "eth0", *limit)
    end

    # Lets both go as they can again.
    def unshape(host)
      Shell.run(*enter(@pid, "--net"), "tc", "qdisc", "del", "dev", host.link, "root")
      Shell.run(*host_prefix(host.pid), "tc", "qdisc", "del", "dev", "eth0", "root")
    end

    # Waits until the bridge forwards to all these links, which takes it up to a
    # second, and forgets who could not be reached before.
    def wait_forwarding(links, timeout: 10)
      deadline = Processes.now + timeout
      until (missing = links - forwarding).empty?
        raise Error, "#{missing.join(", ")}: the bridge does not forward" if Processes.now > deadline

        sleep 0.02
      end
      ip("neigh flush dev #{BRIDGE}")
    end

    def pids
      Processes.tree(@unshare)
    end

    # Ends every process in it and waits until the last is gone.
    def close
      @lifeline&.close unless @lifeline&.closed?
      Process.wait(@unshare) unless @unshare.nil?
      @unshare = nil
    end

    private

    def forwarding
      Shell.run!(*enter(@pid, "--net"), "bridge", "link").scan(/^\d+: (\w+)@.* state forwarding/).flatten
    end

    def launch(keep)
      read, @lifeline = IO.pipe
      ready, said = IO.pipe
      File.write(@workdir.join("hosts-file"), "") unless File.exist?(@workdir.join("hosts-file"))
      @unshare = Process.spawn(variables, *self.class.unshare(@kind), "sh", "-c", SCRIPT, "world", *keep,
                               in: read, %i[out err] => said, pgroup: true)
      [read, said].each(&:close)
      words = ready.gets
      raise Error, "cannot make the hosts' world: #{words}#{ready.read}" unless words == "ready\n"

      @pid = Processes.child(@unshare)
    end

    def variables
      { "WORK" => @workdir.path, "BRIDGE" => BRIDGE, "ADDRESS" => ADDRESS, "ADDRESS6" => ADDRESS6,
        "ROOM" => @room&.to_s }
    end

    def enter(pid, *namespaces)
      user = @kind == :user ? %w[--user --preserve-credentials] : []
      return [] if user.empty? && namespaces.empty?

      ["nsenter", "--target", pid.to_s, *user, *namespaces, "--"]
    end
  end
end

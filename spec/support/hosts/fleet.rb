# frozen_string_literal: true

module Hosts
  # A number of hosts and the control host they are reached from.
  class Fleet
    attr_reader :hosts, :workdir, :keys, :kind

    # Makes a fleet, gives it to the block, and leaves nothing of it behind.
    # disk: { 3 => "8m" } gives host3 a disk of that size; roots: { 2 => dir }
    # makes dir the system that host2 sees, with namespaces of root's only;
    # environment: variables of every SSH session; room: how many bytes the hosts
    # will need together, which then are of memory where there is plenty of it.
    def self.open(**options)
      fleet = new(**options)
      begin
        fleet.start
        yield fleet
      ensure
        fleet.close
      end
    end

    def initialize(count: 4, disk: {}, roots: {}, environment: {}, keep: [Dir.pwd], kind: Hosts.kind, room: nil)
      @count = count
      @disk = disk
      @roots = roots
      @environment = environment
      @keep = keep
      @kind = kind
      @room = room
      @jobs = []
    end

    # Makes the world and all hosts at once; raises when one does not come up.
    def start
      Workdir.reap
      @workdir = Workdir.new
      @keys = Keys.new(@workdir)
      File.write(@workdir.join("hosts-file"), "127.0.0.1 localhost\n::1 localhost\n")
      @world = world_class.new(@workdir, kind: @kind, keep: @keep, room: @room)
      @hosts = (1..@count).map { |number| host(number) }
      bring_up(@hosts)
    end

    # Ends everything and removes every file. May be called twice.
    def close
      undisturbed do
        @jobs.each(&:kill)
        @world&.close
        @hosts&.each(&:reap)
      ensure
        @workdir&.remove
      end
    end

    def [](number)
      @hosts[number - 1]
    end

    # Runs argv on the control host; its Result.
    def capture(*argv, chdir: "/", env: {}, **options)
      Shell.run(*@world.prefix, *there(chdir), *argv, env: @world.environment.merge(env), **options)
    end

    def capture!(*argv, chdir: "/", env: {}, **options)
      Shell.run!(*@world.prefix, *there(chdir), *argv, env: @world.environment.merge(env), **options)
    end

    # Starts argv on the control host, in a session of its own, as a Job.
    def spawn(*argv, chdir: "/", env: {}, **options)
      log = @workdir.join("job-#{@jobs.size}.log")
      prefix = [*@world.prefix, *("setsid" if @world.prefix.any?)]
      Job.new(prefix, [*@world.leash, *there(chdir), *argv], log: log, env: @world.environment.merge(env), **options)
         .tap { |job| @jobs << job }
    end

    # The pids, as seen from outside, of everything that is part of it.
    def pids
      [*@world.pids, *@hosts.flat_map(&:pids), *@jobs.flat_map { |job| Processes.tree(job.pid) }].uniq
    end

    # Gives every host's link this rate, such as "8mbit", both ways, while the
    # block runs.
    def shaped(rate, hosts = @hosts)
      hosts.each { |host| @world.shape(host, rate) }
      yield
    ensure
      hosts.select(&:up?).each { |host| @world.unshape(host) }
    end

    # Names in the control host's /tmp that came there since it was made.
    def control_temp
      @world.temp
    end

    # Empties it, but for directories of the user's that stand in it.
    def clean_control
      control_temp.each { |name| FileUtils.rm_rf(@workdir.join("control", "tmp", name)) }
    end

    # The directory below which every host has what is its own, and its /tmp, as
    # they are written in a Capfile.
    def base
      @kind == :local ? "~" : "/srv"
    end

    def temp
      @kind == :local ? "~/tmp" : "/tmp"
    end

    # A port for the tracker.
    def tracker_port
      @kind == :local ? LocalWorld.free_port(8998) : 8998
    end

    # Where a file of the control host is found from outside; its /tmp is its own.
    def control_path(name)
      @world.path(name)
    end

    # Brings a killed host up again, with its disk as it was.
    def restart(number)
      @hosts[number - 1] = host(number, again: true)
      bring_up([self[number]])
    end

    # What net-ssh needs to reach the hosts; nothing of the user's own is read.
    def ssh_options
      { keys: [@keys.operator], keys_only: true, user_known_hosts_file: [@keys.known_hosts],
        global_known_hosts_file: [], config: false, use_agent: false, port: self[1].port, timeout: 10 }
    end

    private

    # A signal that comes while the block runs, as a second Ctrl-C does, has its
    # effect when the block is done: nothing shall stay half removed.
    def undisturbed
      came = nil
      before = %w[INT TERM HUP].to_h { |signal| [signal, trap(signal) { came ||= signal }] }
      yield
    ensure
      before&.each { |signal, handler| trap(signal, handler || "DEFAULT") }
      Process.kill(came, Process.pid) if came
    end

    # Entering a mount namespace leads to its root.
    def there(dir)
      ["env", "--chdir=#{dir}"]
    end

    def world_class
      @kind == :local ? LocalWorld : World
    end

    def host(number, again: false)
      type = @kind == :local ? LocalHost : Host
      options = { disk: @disk[number], variables: @environment }
      type.new(number, workdir: @workdir, world: @world, keys: @keys, **options).tap do |host|
        host.root = @roots[number] if @roots.key?(number)
        names = "#{host.address} #{host.name}\n"
        names += "#{host.address6} #{host.name} #{host.name}-six\n" unless host.address6.nil?
        File.write(@workdir.join("hosts-file"), names, mode: "a") unless again
      end
    end

    def bring_up(hosts)
      hosts.each(&:launch)
      @world.ip(*hosts.flat_map(&:links))
      hosts.each(&:go)
      hosts.each(&:wait_ready)
      @world.wait_forwarding(hosts.map(&:link))
    end
  end
end

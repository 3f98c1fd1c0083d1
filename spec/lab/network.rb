# frozen_string_literal: true

module Lab
  # A host: a network namespace, a link, an address, a directory.
  Node = Struct.new(:number, :rate, :rack, :subnet) do
    def name = "h#{number}"
    def link = "l#{number}"
    # subnet: the third byte, where racks are subnets
    def address = "10.66.#{subnet || (number / 250)}.#{(number % 250) + 1}"
    def mac = format("02:66:00:00:%<high>02x:%<low>02x", high: number / 256, low: number % 256)
    def netns = "/run/netns/#{name}"
    def dir = "/run/lab/#{name}"
    def inspect = "#<#{name}>"
  end

  # The hosts of a lab and what connects them. Host 0 holds tracker and seeder.
  class Network
    attr_reader :settings, :nodes, :workdir

    DIR = "/run/lab"
    # A switch looks at no IP heads: where br_netfilter is loaded, bridges call the
    # firewall for every packet, though it has no rules.
    NO_FIREWALL = "for file in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $file ] || echo 0 > $file; done"
    # Ethernet's head of a packet.
    ETHERNET = 14

    def self.open(settings)
      raise Error, Lab.impossible if Lab.impossible

      network = new(settings)
      begin
        network.start
        yield network
      ensure
        network.close
      end
    end

    def initialize(settings)
      @settings = settings
      @programs = []
      @nodes = (0..settings.hosts).map do |number|
        Node.new(number, rate(number), rack(number), (rack(number) if settings.racks_by?("subnet")))
      end
    end

    # Makes everything; takes a few seconds for a hundred hosts.
    def start
      Hosts::Workdir.reap
      @workdir = Hosts::Workdir.new
      keep = [File.expand_path("../..", __dir__), PROGRAMS, TOOLS]
      Lab.tool("lab_run")
      @world = Hosts::World.new(@workdir, kind: Lab.kind, keep: keep.select { |dir| File.directory?(dir) })
      sh!("mkdir -p #{DIR} /run/netns && mount -t tmpfs -o size=90% lab #{DIR}")
      sh!(NO_FIREWALL)
      make_namespaces
      make_links
      make_payload
    end

    def close
      @programs.each(&:close) if @world
      @world&.close
    ensure
      @workdir&.remove
    end

    def seeder = @nodes.first
    def receivers = @nodes.drop(1)

    # argv prefix: inside the lab, outside of its hosts.
    def prefix = @world.prefix

    # Where a file of the lab is found from outside.
    def path(*names) = @world.path(File.join(*names))

    def payload = "#{DIR}/payload"

    def sh!(script, *arguments) = Hosts::Shell.run!(*prefix, "sh", "-ec", script, "sh", *arguments)

    # Runs argv on a host to its end.
    def run(node, *argv)
      Hosts::Shell.run(*prefix, "nsenter", "--net=#{node.netns}", "--wd=#{node.dir}", *argv)
    end

    # Prepares a program on a host; it starts when it is told to.
    def program(node, name, argv)
      Program.new(self, node, name, argv).tap { |program| @programs << program }
    end

    # Hears the programs for at most that many seconds.
    def hear(seconds)
      open = @programs.reject(&:gone?)
      ready, = IO.select(open.map(&:io), nil, nil, seconds)
      return if ready.nil?

      open.each { |program| program.hear if ready.include?(program.io) }
    end

    # Hears them until the block is true, at most that long; whether it is.
    def wait_until(seconds)
      deadline = Lab.now + seconds
      done = yield
      until done || Lab.now > deadline
        hear(0.05)
        done = yield
      end
      done
    end

    # Ends all programs and empties the hosts' directories for the next run.
    def clear
      @programs.each(&:kill)
      @programs.each(&:close)
      @programs.clear
      @nodes.each { |node| mend(node) } if @cut
      @cut = false
      sh!("rm -rf #{@nodes.map(&:dir).join(" ")}; mkdir #{@nodes.map(&:dir).join(" ")}")
    end

    # Unplugs a host: what was under way to or from it is lost.
    def cut(node)
      @cut = true
      @world.ip("link set #{node.link} down")
    end

    def mend(node)
      @world.ip("link set #{node.link} up")
    end

    # Power off: nobody is told.
    def power_off(node)
      cut(node)
      @programs.select { |program| program.node == node }.each(&:kill)
    end

    # Bytes a host has sent over its link since it was made.
    def sent(node) = carried("eth0", "nsenter", "--net=#{node.netns}")

    # Bytes that went into each rack so far.
    def into_racks = (1..@settings.racks).map { |rack| carried("d#{rack}") }

    # Seconds of CPU this machine has used, all processes and the kernel's network.
    def self.machine_cpu
      user, nice, system, _idle, _iowait, irq, softirq = File.foreach("/proc/stat").first.split.drop(1).map(&:to_i)
      (user + nice + system + irq + softirq).fdiv(100)
    end

    private

    # Bytes that a link has carried, heads of all packets included: the counters of
    # the interface itself know one head for all packets of a unit.
    def carried(device, *inside)
      Hosts::Shell.run!(*prefix, *inside, "tc", "-s", "qdisc", "show", "dev", device)[/^ Sent (\d+) bytes/, 1].to_i
    end

    def rate(number)
      number > @settings.hosts - @settings.slow ? @settings.slow_rate : @settings.rate
    end

    # The number of the switch: 0 is the one in the middle, where the seeder is.
    def rack(number)
      return 0 if number.zero? || @settings.racks.zero?

      1 + ((number - 1) * @settings.racks / @settings.hosts)
    end

    def bridge(rack) = rack.zero? ? Hosts::World::BRIDGE : "rack#{rack}"

    def make_namespaces
      batch("ip", @nodes.map { |node| "netns add #{node.name}" })
      sh!("mkdir #{@nodes.map(&:dir).join(" ")}")
    end

    def make_links
      racks = (1..@settings.racks).to_a
      uplinks = racks.flat_map { |rack| ["u#{rack}", "d#{rack}"] }
      batch("ip", racks.flat_map { |rack| rack_links(rack) } + @nodes.flat_map { |node| node_links(node) })
      batch("tc", uplinks.map { |link| shape(link, @settings.rack_rate) } +
                  @nodes.map { |node| shape(node.link, node.rate) })
      lay_wires
      set_up_inside
      @world.wait_forwarding(@nodes.map(&:link) + uplinks + wires)
    end

    # A sender's network card is done with a packet once it is on the wire. Here it
    # is counted as the sender's until the receiver takes it out of the queue in
    # front of its link, and TCP lets only a few be counted ("small queues"). So
    # what leaves a host is copied, without its owner, to a wire that every switch
    # has; where hosts are the switch is told, since it would learn: on the wire.
    def lay_wires
      ends = "mtu #{mtu}#{at_once}"
      batch("ip", (0..@settings.racks).flat_map do |rack|
        ["link add wire#{rack} #{ends} type veth peer name end#{rack} #{ends}", "link set end#{rack} up",
         "link set wire#{rack} master #{bridge(rack)} up",
         "link set wire#{rack} type bridge_slave learning off flood off mcast_flood off bcast_flood off"]
      end)
      batch("bridge", @nodes.map { |node| "fdb add #{node.mac} dev #{node.link} master static" })
      batch("tc", @nodes.flat_map { |node| leave(node) })
    end

    def leave(node)
      ["qdisc add dev #{node.link} clsact",
       "filter add dev #{node.link} ingress protocol all u32 match u32 0 0 " \
       "action mirred ingress mirror dev wire#{node.rack} drop"]
    end

    def wires = (0..@settings.racks).map { |rack| "wire#{rack}" }

    def set_up_inside
      @nodes.each { |node| inside(node) }
      sh!("for host; do nsenter --net=/run/netns/$host ip -batch #{DIR}/$host.ip;" \
          "nsenter --net=/run/netns/$host tc -batch #{DIR}/$host.tc; rm #{DIR}/$host.*; #{whole_units} done",
          *@nodes.map(&:name))
    end

    def rack_links(rack)
      ["link add #{bridge(rack)} type bridge forward_delay 0 mcast_snooping 0", "link set #{bridge(rack)} up",
       "link add u#{rack} mtu #{mtu}#{at_once} type veth peer name d#{rack} mtu #{mtu}#{at_once}",
       "link set u#{rack} master #{bridge(rack)} up", "link set d#{rack} master #{bridge(0)} up"]
    end

    def node_links(node)
      ["link add #{node.link} mtu #{mtu}#{at_once} type veth " \
       "peer name eth0 mtu #{mtu}#{at_once} address #{node.mac} netns #{node.name}",
       "link set #{node.link} master #{bridge(node.rack)} up"]
    end

    # The host's own side: its address, its congestion control, its neighbours,
    # what it sends. The kernel has one table of neighbours for all namespaces, too
    # small for 33 hosts that all know one another, unless they are permanent:
    # without that some hosts of 64 reached nobody for half a minute.
    def inside(node)
      File.write(path(DIR, "#{node.name}.ip"), <<~BATCH)
        link set lo up
        address add #{node.address}/16 dev eth0
        link set eth0 up
        route change 10.66.0.0/16 dev eth0 src #{node.address} congctl #{@settings["CC"]}
        #{(@nodes - [node]).map { |other| "neigh add #{other.address} lladdr #{other.mac} dev eth0 nud permanent" }.join("\n")}
      BATCH
      File.write(path(DIR, "#{node.name}.tc"), "#{shape("eth0", node.rate)}\n")
    end

    # A burst of a millisecond, at least three packets, is what a link makes up for
    # after a pause, and what a timer may be late without loss. tbf cuts what is
    # larger than its burst into packets, so for units it is htb, which lets a unit
    # pass whole and then waits until it is paid for. Both count all packets of a
    # unit, each with its heads.
    def shape(device, rate)
      packet = mtu + ETHERNET
      burst = [rate / 8000, 3 * packet].max
      add = "qdisc add dev #{device}"
      return "#{add} root tbf rate #{rate}bit burst #{burst} limit #{@settings.queue}" if @settings.unit.zero?

      saved = burst - packet # htb's is besides what passes
      ["#{add} root handle 1: htb default 1",
       "class add dev #{device} parent 1: classid 1:1 htb rate #{rate}bit burst #{saved} cburst #{saved}",
       "#{add} parent 1:1 bfifo limit #{@settings.queue}"].join("\n")
    end

    def mtu = @settings.mtu

    # What bounds the units TCP makes, for `ip link`: without it they are of 64 KiB
    # where it once saw a short round trip, as large as a piece or a buffer here.
    def at_once = " gso_max_segs #{[@settings.unit, 1].max}"

    # TCP makes units of a millisecond at a flow's rate; at the rates of a lab
    # these would be two packets. For sh.
    def whole_units
      return "" if @settings.unit.zero?

      "nsenter --net=/run/netns/$host sh -c 'echo #{@settings.unit} > /proc/sys/net/ipv4/tcp_min_tso_segs';"
    end

    def batch(tool, lines)
      result = Hosts::Shell.run(*prefix, tool, "-batch", "-", stdin: lines.join("\n"))
      raise Error, "#{tool}: #{result.text.strip}" unless result.ok?
    end

    def make_payload
      File.open(path(payload), "wb") { |file| IO.copy_stream("/dev/urandom", file, @settings.size) }
    end
  end
end

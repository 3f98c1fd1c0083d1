# frozen_string_literal: true

require_relative "../support/hosts"

RSpec.describe Hosts, :e2e do
  def ssh(fleet, host, script)
    fleet.capture("ssh", "-F", "none", "-i", fleet.keys.operator, "-l", host.user, "-p", host.port.to_s,
                  "-o", "UserKnownHostsFile=#{fleet.keys.known_hosts}", "-o", "BatchMode=yes",
                  "-o", "ConnectTimeout=3", host.address, script)
  end

  # Starts a program that opens a fleet of two, runs something on it, and says its directory.
  def with_owner
    script = <<~RUBY
      require #{File.expand_path("../support/hosts.rb", __dir__).inspect}
      Hosts::Fleet.open(count: 2) do |fleet|
        fleet.spawn("sleep", "1234")
        fleet[2].spawn("sleep", "1235")
        puts [fleet.workdir.path, *fleet.pids].join(" ")
        $stdout.flush
        sleep 60
      end
    RUBY
    IO.popen([RbConfig.ruby, "-e", script, { pgroup: true, err: File::NULL }]) do |io|
      dir, *pids = io.gets.split
      yield io.pid, dir, pids.map(&:to_i)
    end
  end

  # Starts a command on a host that outlives the session, and waits until it runs.
  def background(host, command)
    host.sh!("setsid #{command} > /dev/null 2>&1 &")
    deadline = Hosts::Processes.now + 5
    sleep 0.02 until host.processes.map(&:last) == [command] || Hosts::Processes.now > deadline
  end

  # Whether all of them end within five seconds; those nobody has waited for count as ended.
  def all_end?(pids)
    deadline = Hosts::Processes.now + 5
    until (left = pids.reject { |pid| [nil, "Z"].include?(Hosts::Processes.stat(pid)&.first) }).empty?
      return false if Hosts::Processes.now > deadline

      sleep 0.02
    end
    left.empty?
  end

  it "keeps the hosts' disks below /tmp where MURDER_HOSTS_DIR says so, and hides them from the hosts" do
    Dir.mktmpdir("murder-spec-", "/tmp") do |dir|
      allow(Hosts::Workdir).to receive(:base).and_return(dir)
      Hosts::Fleet.open(count: 1) do |fleet|
        expect(fleet.workdir.path).to start_with("#{dir}/")
        fleet[1].sh!("echo own > #{fleet.temp}/file")
        expect(ssh(fleet, fleet[1], "ls -A #{fleet.temp}").out).to eq("file\n")
      end
      expect(Dir.children(dir)).to be_empty
    end
  end

  context "with a fleet of three" do
    attr_reader :fleet

    around { |example| Hosts::Fleet.open(count: 3, disk: { 3 => "1m" }) { |fleet| (@fleet = fleet) && example.run } }

    it "gives each host its own address, name and files, reachable by SSH" do
      names = ["#{fleet.base}/a", "~/b", "#{fleet.temp}/c"]
      fleet.hosts.each do |host|
        script = "for file in #{names.join(" ")}; do echo #{host.name} > $file; done; whoami"
        expect(ssh(fleet, host, script).out.strip).to eq(host.user)
      end
      names.each do |name|
        expect(fleet.hosts.map { |host| File.read(host.path(name)).strip }).to eq(%w[host1 host2 host3])
      end
    end

    it "lets no host write to the machine's own files" do
      skip "this needs namespaces" if fleet.kind == :local
      expect(fleet[1].sh("touch /usr/murder-hosts-spec").err).to include("Read-only file system")
    end

    it "keeps what is in use on one host from the others' process lists" do
      background(fleet[1], "sleep 77")
      expect(fleet.hosts.map { |host| host.processes.map(&:last) }).to eq([["sleep 77"], [], []])
    end

    it "fills the small disk of the host that was given one, and no other" do
      skip "this needs namespaces" if fleet.kind == :local
      fill = "dd if=/dev/zero of=/srv/big bs=64k count=32 2>&1"
      expect(ssh(fleet, fleet[3], fill).out).to include("No space left on device")
      expect(ssh(fleet, fleet[2], fill)).to be_ok
    end

    it "cuts a host's link and mends it" do
      skip "this needs namespaces" if fleet.kind == :local
      fleet[2].cut
      expect(ssh(fleet, fleet[2], "true")).not_to be_ok
      fleet[2].mend
      expect(ssh(fleet, fleet[2], "true")).to be_ok
    end

    it "powers a host off and on again, its files still there" do
      ssh(fleet, fleet[1], "echo kept > #{fleet.base}/a; setsid sleep 78 > /dev/null 2>&1 &")
      fleet[1].kill
      expect(ssh(fleet, fleet[1], "true")).not_to be_ok
      fleet.restart(1)
      expect(ssh(fleet, fleet[1], "cat #{fleet.base}/a").out).to eq("kept\n")
      expect(fleet[1].processes).to be_empty
    end

    it "sends Ctrl-C to what runs on the control host" do
      job = fleet.spawn("sh", "-c", "trap 'exit 3' INT; echo a; while :; do sleep 0.1; done")
      job.wait_for(/a/)
      job.interrupt
      expect(job.wait).to eq(3)
    end
  end

  it "has the hosts' disks in memory where there is plenty, and they too outlive a power cut" do
    skip "this needs namespaces" if described_class.kind == :local
    skip "memory is short" unless Hosts::World.spare?(1 << 24)
    Hosts::Fleet.open(count: 2, room: 1 << 24) do |fleet|
      expect(fleet[1].sh!("stat -f -c %T /srv /tmp ~").split).to eq(%w[tmpfs tmpfs tmpfs])
      fleet[1].sh!("echo kept > /srv/a; stat -c %a /tmp")
      fleet[1].kill
      fleet.restart(1)
      expect(fleet[1].sh!("cat /srv/a; stat -c %a /tmp")).to eq("kept\n1777\n")
    end
  end

  context "without namespaces" do
    attr_reader :fleet

    around { |example| Hosts::Fleet.open(count: 2, kind: :local) { |fleet| (@fleet = fleet) && example.run } }

    it "gives each host an address and a home in which every session begins, for scp and sftp too" do
      fleet.hosts.each do |host|
        expect(ssh(fleet, host, "echo #{host.name} > ~/a; pwd").out).to eq("#{host.path("~")}\n")
      end
      expect(fleet.hosts.map { |host| [host.address, File.read(host.path("~/a"))] })
        .to eq([["127.0.0.1", "host1\n"], ["127.0.0.2", "host2\n"]])
      [%w[-O], []].each { |protocol| copy(fleet, *protocol) }
    end

    it "ends with a host every process that began on it, and no other's" do
      fleet.hosts.each { |host| background(host, "sleep 79") }
      expect(fleet.hosts.map { |host| host.processes.map(&:last) }).to eq([["sleep 79"], ["sleep 79"]])
      ended = fleet[1].pids
      fleet[1].kill
      expect(all_end?(ended)).to be(true)
      expect(fleet[2].processes.map(&:last)).to eq(["sleep 79"])
    end

    # To a file named from the home directory, as cap does it.
    def copy(fleet, *protocol)
      File.write(fleet.workdir.join("sent"), "sent")
      fleet.capture!("scp", *protocol, "-q", "-F", "none", "-i", fleet.keys.operator, "-P", fleet[2].port.to_s,
                     "-o", "UserKnownHostsFile=#{fleet.keys.known_hosts}", "-o", "BatchMode=yes",
                     fleet.workdir.join("sent"), "#{fleet[2].user}@#{fleet[2].address}:./got")
      expect(File.read(fleet[2].path("~/got"))).to eq("sent")
      File.unlink(fleet[2].path("~/got"))
    end
  end

  %w[INT TERM HUP].each do |signal|
    it "leaves neither process nor file behind after SIG#{signal}" do
      with_owner do |owner, dir, pids|
        expect(pids).to all(satisfy { |pid| Hosts::Processes.stat(pid) })
        Process.kill(signal, owner)
        expect(all_end?([owner, *pids])).to be(true)
        expect(File.exist?(dir)).to be(false)
      end
    end
  end

  it "is removed to the end when Ctrl-C comes while that is done" do
    script = <<~RUBY
      require #{File.expand_path("../support/hosts.rb", __dir__).inspect}
      Hosts::Fleet.open(count: 1) do |fleet|
        fleet.workdir.define_singleton_method(:remove) { ($stdout << path << "\n").flush && sleep(0.5) && super() }
      end
    RUBY
    IO.popen([RbConfig.ruby, "-e", script, { pgroup: true, err: File::NULL }]) do |io|
      dir = io.gets.chomp
      Process.kill(:INT, io.pid)
      _, status = Process.wait2(io.pid)
      expect(status.termsig).to eq(2)
      expect(File.exist?(dir)).to be(false)
    end
  end

  it "leaves no process behind when its owner is killed, and the next run removes the files" do
    with_owner do |owner, dir, pids|
      Process.kill(:KILL, owner)
      expect(all_end?([owner, *pids])).to be(true)
      expect(File.exist?(dir)).to be(true)
      Hosts::Workdir.reap
      expect(File.exist?(dir)).to be(false)
    end
  end

  it "lets nobody on the control host change what the user has under /tmp" do
    skip "this needs namespaces" if described_class.kind == :local
    Dir.mktmpdir("murder-spec-", "/tmp") do |own|
      File.write("#{own}/precious", "p")
      Hosts::Fleet.open(count: 1, keep: [own]) do |fleet|
        expect(fleet.capture!("cat", "#{own}/precious")).to eq("p")
        expect(fleet.capture("rm", "-rf", own)).not_to be_ok
        fleet.capture!("touch", "/tmp/other")
        fleet.clean_control
        expect(fleet.control_temp).to be_empty
        expect(fleet.capture!("cat", "#{own}/precious")).to eq("p")
      end
      expect(File.read("#{own}/precious")).to eq("p")
    end
  end

  it "does not reap the directory of a run that lives" do
    workdir = Hosts::Workdir.new
    Hosts::Workdir.reap
    expect(File.exist?(workdir.path)).to be(true)
  ensure
    workdir.remove
  end
end

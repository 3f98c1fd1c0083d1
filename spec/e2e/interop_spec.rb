# frozen_string_literal: true

require "English"
require_relative "../spec_helper"
require_relative "../support/swarm"

RSpec.describe "murder_client among other clients" do
  let(:swarm) { Swarm.new }
  let(:foreign) { [] }

  before do
    swarm.make_payload(mib: 24)
    swarm.start_tracker
  end

  after do
    foreign.each do |pid|
      Process.kill(:KILL, pid)
      Process.wait(pid)
    rescue Errno::ESRCH, Errno::ECHILD
      nil
    end
    swarm.close
  end

  def need(what, *probe)
    skip "#{what} is not installed" unless system(*probe, out: File::NULL, err: File::NULL)
  end

  # Starts a foreign client in a directory of its own, with the payload in it
  # for a seed.
  def spawn_foreign(name, *argv, seed: false)
    dir = swarm.path(name)
    FileUtils.mkdir_p(dir)
    FileUtils.cp(swarm.path("payload"), dir) if seed
    foreign << (pid = Process.spawn(*argv, chdir: dir, out: File::NULL, err: File::NULL))
    pid
  end

  def aria2(name, seed: false)
    need("aria2c", "aria2c", "--version")
    spawn_foreign(name, "aria2c", "--no-conf", "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false",
                  "--file-allocation=none", "--listen-port=#{Swarm.free_port}", "--summary-interval=0",
                  *(seed ? %w[-V --seed-ratio=0.0] : %w[--seed-time=0]), "../payload.torrent", seed: seed)
  end

  def libtorrent(name, seed: false)
    need("python3-libtorrent", "/usr/bin/python3", "-c", "import libtorrent")
    script = File.expand_path("../support/libtorrent_peer.py", __dir__)
    what = seed ? "seed" : "fetch"
    spawn_foreign(name, "/usr/bin/python3", script, what, "../payload.torrent", ".", "60", seed: seed)
  end

  def ended_well?(pid, seconds = 60)
    Timeout.timeout(seconds) { Process.wait(pid) }
    foreign.delete(pid)
    $CHILD_STATUS.success?
  end

  %i[aria2 libtorrent].each do |client|
    it "serves #{client}" do
      swarm.start_seeder
      expect(ended_well?(send(client, "there"))).to be(true)
      expect(swarm.same?("there/payload")).to be(true)
    end

    it "fetches from #{client}" do
      send(client, "there", seed: true)
      expect(swarm.start_peer(1, timeout: 40).wait.status).to eq(0)
      expect(swarm.same?("out1")).to be(true)
    end
  end

  it "finishes in a swarm of all kinds, and so does everybody else" do
    swarm.start_seeder
    others = { "a" => aria2("a"), "b" => libtorrent("b"), "c" => aria2("c"), "d" => libtorrent("d") }
    ours = (1..3).map { |i| swarm.start_peer(i, linger: 20, timeout: 40) }
    expect(ours.map { |peer| peer.wait.status }).to eq([0, 0, 0])
    others.each { |name, pid| expect(ended_well?(pid)).to be(true), name }
    expect((1..3).map { |i| swarm.same?("out#{i}") } + others.keys.map { |n| swarm.same?("#{n}/payload") })
      .to all(be(true))
  end

  it "finds its neighbours through opentracker" do
    need("opentracker", "which", "opentracker")
    port = Swarm.free_port
    result = swarm.run(:make_torrent, "payload", "127.0.0.1:#{port}", "other.torrent")
    File.write(swarm.path("allowed"), "#{result.out[/info_hash=(\h+)/, 1]}\n")
    File.chmod(0o755, swarm.dir) # it reads as nobody
    spawn_foreign("tracker", "opentracker", "-i", "127.0.0.1", "-p", port.to_s, "-w", swarm.path("allowed"))
    Swarm.wait_until { TCPSocket.new("127.0.0.1", port).close || true rescue false } # rubocop:disable Style/RescueModifier
    expect(swarm.start_seeder("other.torrent", "payload").status).to eq(0)
    peers = (1..3).map { |i| swarm.start_peer(i, torrent: "other.torrent") }
    expect(peers.map { |peer| peer.wait.status }).to eq([0, 0, 0])
    expect((1..3).map { |i| swarm.same?("out#{i}") }).to all(be(true))
  end
end

# frozen_string_literal: true

require "English"
require_relative "../spec_helper"
require_relative "../support/swarm"

RSpec.describe "murder_client when something breaks" do
  let(:swarm) { Swarm.new }
  let(:bytes) { 48 << 20 }

  after { swarm.close }

  # A swarm whose seeder is stopped (SIGSTOP) while peer 1 is in mid-transfer.
  def freeze_in_mid_transfer(**opts)
    swarm.make_payload(mib: bytes >> 20)
    swarm.start_tracker
    swarm.start_seeder
    @seeder = swarm.pid_of("seeder", "payload")
    swarm.start_peer(1, timeout: 40, **opts).tap do
      swarm.wait_for_bytes("out1.part", bytes / 10)
      Process.kill(:STOP, @seeder)
      expect(File.exist?(swarm.path("out1"))).to be(false)
    end
  end

  def thaw = Process.kill(:CONT, @seeder)

  describe "in mid-transfer" do
    it "resumes from what is on disk after a peer was killed" do
      peer = freeze_in_mid_transfer
      victim = swarm.pid_of("peer", "p1")
      Process.kill(:KILL, victim)
      result = peer.wait
      expect(result.status).to eq(1)
      expect(result.err).to match(/\Amurder_client: .*(signal 9|killed)/i)
      expect(File.exist?(swarm.path("out1"))).to be(false)

      held = File.stat(swarm.path("out1.part")).blocks * 512
      thaw
      again = swarm.start_peer(1, "--progress").wait
      expect(again.status).to eq(0)
      expect(swarm.same?("out1")).to be(true)
      expect(again.out[/^done .*down=(\d+)/, 1].to_i).to be <= bytes - held + (1 << 20)
    end

    it "fetches again the pieces that were spoiled on disk" do
      peer = freeze_in_mid_transfer
      Process.kill(:KILL, swarm.pid_of("peer", "p1"))
      peer.wait
      File.open(swarm.path("out1.part"), "r+b") { |f| f.write("spoiled") }
      thaw
      expect(swarm.start_peer.wait.status).to eq(0)
      expect(swarm.same?("out1")).to be(true)
    end

    it "names who sends what is not in the .torrent" do
      swarm.make_payload(mib: 1)
      swarm.start_tracker
      swarm.start_seeder
      File.open(swarm.path("payload"), "r+b") { |f| f.write("spoiled") }
      result = swarm.start_peer(1, timeout: 3).wait
      expect([result.status, result.err])
        .to match([8, /^murder_client: [^\n]*127\.0\.0\.1:\d+ sent pieces with a wrong hash.*make the \.torrent again/])
      expect(Dir[swarm.path("out1")]).to be_empty
    end

    it "finishes without the seeder once one copy is out" do
      swarm.make_payload(mib: bytes >> 20)
      swarm.start_tracker
      swarm.start_seeder
      expect(swarm.start_peer(1, linger: 60).wait.status).to eq(0)
      peer = swarm.start_peer(2)
      swarm.wait_for_bytes("out2.part", bytes / 10)
      Process.kill(:KILL, swarm.pid_of("seeder", "payload"))
      expect(peer.wait.status).to eq(0)
      expect(swarm.start_peer(3).wait.status).to eq(0)
      expect([2, 3].map { |i| swarm.same?("out#{i}") }).to all(be(true))
    end

    it "finishes without the tracker" do
      peer = freeze_in_mid_transfer
      expect(swarm.run(:tracker, "stop", "--port", swarm.port).status).to eq(0)
      thaw
      expect(peer.wait.status).to eq(0)
      expect(swarm.same?("out1")).to be(true)
    end

    it "goes on when another peer is killed" do
      peer = freeze_in_mid_transfer(linger: 20)
      others = (2..4).map { |i| swarm.start_peer(i, timeout: 40, linger: 20) }
      Swarm.wait_until { swarm.pid_of("peer", "p2") }
      Process.kill(:KILL, swarm.pid_of("peer", "p2"))
      thaw
      expect([peer, *others].map { |p| p.wait.status }).to eq([0, 1, 0, 0])
      expect([1, 3, 4].map { |i| swarm.same?("out#{i}") }).to all(be(true))
    end

    it "ends within a second or two of SIGTERM to the caller's process, and keeps the part" do
      peer = freeze_in_mid_transfer
      peer.kill(:TERM)
      result = peer.wait(5)
      expect(result.status).to eq(13)
      expect(result.err).to eq("murder_client: out1: interrupted: the same command goes on from what has come\n")
      expect(swarm.pid_of("peer", "p1")).to be_nil
      expect(Dir.children(swarm.dir).grep(/out1/)).to eq(["out1.part"])
    end

    it "ends in order however early the signal comes" do
      swarm.make_payload(mib: 1)
      20.times do |i|
        peer = swarm.start_peer(1)
        sleep(i * 0.002)
        peer.kill(:TERM)
        status = peer.wait(10).status
        # Before it has set up its handlers the signal itself ends it.
        expect(status).to eq(13).or eq(-15)
        expect(swarm.pid_of("peer", "p1")).to be_nil
      end
    end

    it "refuses a second peer of the same tag" do
      freeze_in_mid_transfer
      result = swarm.start_peer(1, out: "other").wait
      expect(result.status).to eq(10)
      expect(result.err).to match(/\Amurder_client: a peer of p1 is already running \(process \d+\): stop it with/)
      expect(Dir.children(swarm.dir).grep(/other/)).to be_empty
    end

    it "names what is missing when no seed has the rest" do
      peer = freeze_in_mid_transfer
      Process.kill(:KILL, @seeder)
      peer.kill(:TERM)
      peer.wait
      result = swarm.start_peer(1, timeout: 2).wait
      expect(result.status).to eq(8)
      expect(result.err).to match(%r{http://127\.0\.0\.1:#{swarm.port}/announce})
      expect(result.err).to match(/have [1-9]\d* of #{bytes >> 18} pieces/)
      expect(result.err.lines.size).to eq(1)
      expect(File.exist?(swarm.path("out1"))).to be(false)
    end
  end

  describe "before the transfer" do
    it "says that a seeder's file is not what its torrent describes, naming the first bad piece" do
      swarm.make_payload(mib: 4)
      swarm.start_tracker
      [5, 11].each { |i| File.open(swarm.path("payload"), "r+b") { |f| f.seek(i << 18) && f.write("?!") } }
      result = swarm.start_seeder
      expect([result.status, result.err]).to match([9, /\Amurder_client: payload: .* piece 5 of 16 /])

      File.truncate(swarm.path("payload"), 1000)
      result = swarm.start_seeder
      expect([result.status, result.err]).to match([9, /payload: is 1000 bytes long .* 4194304/])
    end

    it "names the tracker that does not answer" do
      swarm.make_payload(mib: 1)
      [swarm.start_peer(1, timeout: 2).wait, swarm.run(:client, "seeder", "payload.torrent", "payload", "--timeout", 2)]
        .each do |result|
          expect(result.status).to eq(7)
          expect(result.err).to match(
            %r{\Amurder_client: tracker http://127\.0\.0\.1:#{swarm.port}/announce is unreachable: .*: start it}
          )
        end
    end

    { "200 OK" => "its reply is not a tracker's", "302 Found" => "HTTP status 302",
      "500 Internal Server Error" => "HTTP status 500" }.each do |status, why|
      it "says of a server that answers #{status} that it is no tracker, and what to look at" do
        server = TCPServer.new("127.0.0.1", 0)
        answering = Thread.new { loop { answer(server.accept, status) } }
        swarm.make_payload(mib: 1, tracker_port: server.addr[1])
        url = "http://127.0.0.1:#{server.addr[1]}/announce"
        result = swarm.start_peer(1, timeout: 2).wait
        expect([result.status, result.err])
          .to match([7, /\Amurder_client: tracker #{url} does not answer as one: #{why} \(.*: see what listens there/])
      ensure
        answering&.kill
        server&.close
      end
    end

    def answer(client, status)
      nil until ["\r\n", nil].include?(client.gets)
      client.write("HTTP/1.1 #{status}\r\nLocation: /\r\nContent-Length: 14\r\n\r\n<html>hi</html")
      client.close
    end

    it "says that the tracker knows nobody else" do
      swarm.make_payload(mib: 1)
      swarm.start_tracker
      result = swarm.start_peer(1, timeout: 2).wait
      expect(result.status).to eq(8)
      expect(result.err).to match(%r{out1: tracker http://127\.0\.0\.1:#{swarm.port}/announce knows no other peers})
    end

    it "names the port it cannot listen on" do
      swarm.make_payload(mib: 1)
      server = TCPServer.new("0.0.0.0", 0)
      result = swarm.start_peer(1, "--port", server.addr[1]).wait
      expect([result.status, result.err]).to match([6, /port #{server.addr[1]}: Address (?:already )?in use: choose/])
    ensure
      server&.close
    end

    it "refuses truncated and hostile torrents" do
      swarm.make_payload(mib: 1)
      good = File.binread(swarm.path("payload.torrent"))
      bad = {
        "truncated" => good[0, good.size / 2],
        "empty" => "",
        "trailing" => "#{good}x",
        "deep" => "l" * 100_000,
        "unsafe" => good.sub("7:payload", "7:../load"),
        "count" => good.sub("6:lengthi1048576e", "6:lengthi9048576e"),
        "huge" => good.sub("6:lengthi1048576e", "6:lengthi9223372036854775807e"),
        "binary" => Random.bytes(4096)
      }
      bad.each do |name, content|
        expect(content).not_to eq(good)
        File.binwrite(swarm.path("#{name}.torrent"), content)
        result = swarm.start_peer(1, torrent: "#{name}.torrent", timeout: 2).wait
        expect([name, result.status, result.err]).to match([name, 3, /\Amurder_client: #{name}\.torrent: [^\n]+\n\z/])
      end
      File.binwrite(swarm.path("big.torrent"), "d8:announce#{"0" * (17 << 20)}")
      expect(swarm.start_peer(1, torrent: "big.torrent").wait.status).to eq(3)
    end

    it "names a torrent or a file that is not there" do
      swarm.make_payload(mib: 1)
      result = swarm.start_peer(1, torrent: "absent.torrent").wait
      expect([result.status, result.err]).to match([4, /absent\.torrent: .*No such file/])
      result = swarm.start_seeder("payload.torrent", "absent")
      expect([result.status, result.err]).to match([4, /absent: .*No such file/])
    end

    it "asks for room before the first byte travels" do
      disk = mount_small_disk("8M")
      swarm.make_payload(mib: 16)
      result = swarm.start_peer(1, out: "small/out").wait
      expect(result.status).to eq(5)
      expect(result.err)
        .to match(%r{small/out\.part: no room: 16777216 bytes are needed and \d+ are free, \d+ are missing})
      expect(Dir.children(disk)).to be_empty
    ensure
      unmount(disk)
    end

    it "says which file it could not write when the disk fills up in mid-transfer" do
      disk = mount_small_disk("#{(bytes >> 20) + 4}M")
      peer = freeze_in_mid_transfer_to("small/out")
      fill_up(disk)
      thaw
      result = peer.wait
      expect([result.status, result.err]).to match([5, %r{small/out\.part: cannot write: No space left}])
      expect(File.exist?(swarm.path("small/out"))).to be(false)
    ensure
      unmount(disk)
    end

    it "names a directory it may not write to" do
      swarm.make_payload(mib: 1)
      FileUtils.mkdir(swarm.path("locked"))
      with_read_only(swarm.path("locked")) do |user|
        result = swarm.start_peer(1, out: "locked/out", **user).wait
        expect([result.status, result.err]).to match([5, %r{locked/out\.part: cannot create: (Permission|Read-only)}])
      end
    end
  end

  def freeze_in_mid_transfer_to(out)
    swarm.make_payload(mib: bytes >> 20)
    swarm.start_tracker
    swarm.start_seeder
    @seeder = swarm.pid_of("seeder", "payload")
    swarm.start_peer(1, out: out, timeout: 40).tap do
      swarm.wait_for_bytes("#{out}.part", bytes / 10)
      Process.kill(:STOP, @seeder)
    end
  end

  def fill_up(disk)
    File.open(File.join(disk, "filler"), "wb") { |f| loop { f.write("x" * (1 << 16)) } }
  rescue Errno::ENOSPC
    nil
  end

  def mount_small_disk(size)
    skip "mounting a small disk needs root" unless Process.uid.zero?
    disk = swarm.path("small")
    FileUtils.mkdir(disk)
    system("mount", "-t", "tmpfs", "-o", "size=#{size}", "none", disk, err: File::NULL) ||
      skip("mount is not permitted")
    disk
  end

  def unmount(disk)
    system("umount", "-l", disk, err: File::NULL) if disk && File.exist?(disk)
  end

  # Root may write anywhere: for root the directory becomes a read-only mount.
  def with_read_only(path)
    File.chmod(0o500, path)
    return yield({}) unless Process.uid.zero?

    system("mount", "-t", "tmpfs", "-o", "ro", "none", path, err: File::NULL) || skip("mount is not permitted")
    begin
      yield({})
    ensure
      unmount(path)
    end
  end
end

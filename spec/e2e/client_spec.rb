# frozen_string_literal: true

require "English"
require_relative "../spec_helper"
require_relative "../support/swarm"

RSpec.describe "murder_client" do
  let(:swarm) { Swarm.new }

  after { swarm.close }

  def download_all(count, **opts)
    peers = (1..count).map { |i| swarm.start_peer(i, **opts) }
    peers.map { |peer| peer.wait(90) }
  end

  describe "a tracker, a seeder and eight peers" do
    it "gives every peer the file, byte by byte" do
      swarm.make_payload(mib: 16)
      swarm.start_tracker
      expect(swarm.start_seeder.status).to eq(0)

      expect(download_all(8, linger: 20).map(&:status)).to eq([0] * 8)
      (1..8).each { |i| expect(swarm.same?("out#{i}")).to be(true), "out#{i} differs" }
      expect(Dir[swarm.path("*.part")]).to be_empty
    end

    it "gives every peer the unpacked tree" do
      swarm.start_tracker
      FileUtils.mkdir_p(swarm.path("tree/sub/.git"))
      30.times { |i| File.binwrite(swarm.path("tree/sub/file#{i}"), Random.bytes(20_000)) }
      File.binwrite(swarm.path("tree/sub/.git/secret"), "x")
      File.symlink("sub/file1", swarm.path("tree/link"))
      swarm.run(:make_torrent, "tree", "127.0.0.1:#{swarm.port}", "tree.tgz.torrent")
      swarm.start_seeder("tree.tgz.torrent", "tree.tgz")

      peers = (1..8).map { |i| swarm.start_peer(i, "--extract", "tree#{i}", torrent: "tree.tgz.torrent", linger: 20) }
      expect(peers.map { |peer| peer.wait.status }).to eq([0] * 8)
      FileUtils.rm_rf(swarm.path("tree/sub/.git"))
      (1..8).each do |i|
        expect(system("diff", "-r", "--no-dereference", swarm.path("tree"), swarm.path("tree#{i}"))).to be(true)
      end
    end

    it "downloads an empty file and a file shorter than a piece" do
      swarm.start_tracker
      { "none" => "", "short" => "0123456789" }.each_with_index do |(name, text), i|
        File.binwrite(swarm.path(name), text)
        swarm.make_torrent(name)
        swarm.start_seeder("#{name}.torrent", name)
        expect(swarm.start_peer(i, torrent: "#{name}.torrent", out: "#{name}.out").wait.status).to eq(0)
        expect(File.binread(swarm.path("#{name}.out"))).to eq(text)
      end
    end

    it "downloads pieces larger than a block and a last piece of one byte" do
      File.binwrite(swarm.path("odd"), Random.bytes((3 << 20) + 1))
      swarm.make_torrent("odd", piece: 1 << 20)
      swarm.start_tracker
      swarm.start_seeder("odd.torrent", "odd")
      expect(swarm.start_peer(1, torrent: "odd.torrent").wait.status).to eq(0)
      expect(swarm.same?("out1", "odd")).to be(true)
    end
  end

  describe "a peer" do
    before do
      swarm.make_payload
      swarm.start_tracker
      swarm.start_seeder
    end

    it "prints progress and the end for programs on stdout" do
      out = swarm.start_peer(1, "--progress").wait.out.lines
      expect(out[-2]).to match(/\Aprogress have=(\d+) pieces=\1 down=\d+ up=\d+ peers=\d+ seconds=[\d.]+\n\z/)
      expect(out[-1]).to match(/\Adone seconds=[\d.]+ down=#{8 << 20} up=\d+ wasted=0\n\z/)
    end

    it "returns when the file is complete and lingers, detached, holding none of its caller's descriptors" do
      reader, writer = IO.pipe
      peer = swarm.start_peer(1, linger: 30, limits: { writer => writer })
      writer.close
      expect(peer.wait.status).to eq(0)
      pid = swarm.pid_of("peer", "p1")
      expect(pid).not_to be_nil
      expect(Process.getsid(pid)).to eq(pid)
      expect(Timeout.timeout(5) { reader.read }).to eq("")
      # It lets go of them right after the command has returned.
      Swarm.wait_until(5) { (0..2).map { |fd| File.readlink("/proc/#{pid}/fd/#{fd}") }.uniq == [File::NULL] }
    end

    it "ends by itself when it has lingered" do
      expect(swarm.start_peer(1, linger: 1).wait.status).to eq(0)
      expect(swarm.pid_of("peer", "p1")).not_to be_nil
      Swarm.wait_until(10) { swarm.pid_of("peer", "p1").nil? }
      expect(Dir.children(swarm.run_dir).grep(/p1/)).to be_empty
    end

    it "makes way for a new peer of its tag once it only lingers" do
      swarm.start_peer(1, linger: 60).wait
      first = swarm.pid_of("peer", "p1")
      expect(swarm.start_peer(1, "--extract", "nowhere", out: "again").wait.status).to eq(3) # not an archive
      expect(swarm.same?("again")).to be(true)
      expect(Swarm.gone?(first)).to be(true)
    end

    it "verifies a file it has already and goes on without downloading" do
      FileUtils.cp(swarm.path("payload"), swarm.path("out1"))
      before = File.stat(swarm.path("out1"))
      result = swarm.start_peer(1, "--progress").wait
      expect(result.status).to eq(0)
      expect(result.out).to match(/^done .* down=0 /)
      expect(File.stat(swarm.path("out1")).ino).to eq(before.ino)
    end

    it "uses the very file that is being seeded on its host" do
      before = File.stat(swarm.path("payload"))
      result = swarm.start_peer(1, "--progress", out: "payload").wait
      expect(result.status).to eq(0)
      after = File.stat(swarm.path("payload"))
      expect([after.ino, after.mtime]).to eq([before.ino, before.mtime])
      expect(result.out).to match(/^done .* down=0 /)
    end

    it "refuses to overwrite a file that is not the payload" do
      ["short", Random.bytes(8 << 20)].each do |text|
        File.binwrite(swarm.path("out1"), text)
        result = swarm.start_peer.wait
        expect(result.status).to eq(9)
        expect(result.err).to match(/\Amurder_client: out1: exists already.*: move it away or delete it\n\z/)
        expect(File.binread(swarm.path("out1"))).to eq(text)
        expect(File.exist?(swarm.path("out1.part"))).to be(false)
      end
    end

    it "replaces an earlier download of its own under the same name" do
      expect(swarm.start_peer.wait.status).to eq(0)
      marked = system("getfattr", "-n", "user.murder.download", swarm.path("out1"), out: File::NULL, err: File::NULL)
      skip "no extended attributes in #{swarm.dir}" unless marked || !system("which getfattr >/dev/null")
      swarm.make_payload("newer", mib: 4)
      swarm.start_seeder("newer.torrent", "newer")
      expect(swarm.start_peer(1, torrent: "newer.torrent").wait.status).to eq(0)
      expect(swarm.same?("out1", "newer")).to be(true)
    end

    it "refuses a planted symbolic link, hard link or device as its part file" do
      File.write(swarm.path("victim"), "precious")
      plants = {
        "is a symbolic link" => -> { File.symlink("victim", swarm.path("out1.part")) },
        "has a second name" => -> { File.link(swarm.path("victim"), swarm.path("out1.part")) },
        "is not a regular file" => -> { File.mkfifo(swarm.path("out1.part")) }
      }
      plants.each do |what, plant|
        plant.call
        result = swarm.start_peer.wait
        expect([result.status, result.err]).to match([5, /out1\.part: #{what}.*: remove it/])
        File.unlink(swarm.path("out1.part"))
      end
      expect(File.read(swarm.path("victim"))).to eq("precious")
    end

    it "leaves alone what stands at its part file's name and is not murder's" do
      mark = "import os, sys; os.setxattr(sys.argv[1], 'user.test', b'1')"
      marked = system("python3", "-c", mark, swarm.path("payload"), err: IO::NULL)
      skip "no extended attributes in #{swarm.dir}" unless marked
      File.write(swarm.path("out1.part"), "precious")
      result = swarm.start_peer.wait
      expect([result.status, result.err])
        .to match([9, /out1\.part: exists already and is not an unfinished download.*: move it away or delete it/])
      expect(File.read(swarm.path("out1.part"))).to eq("precious")
    end

    it "uses nothing of another user's, however right it looks" do
      skip "giving a file away needs root" unless Process.uid.zero?
      FileUtils.cp(swarm.path("payload"), swarm.path("out1"))
      File.chown(65_534, nil, swarm.path("out1"))
      expect(swarm.start_peer.wait.status).to eq(9)
      FileUtils.mv(swarm.path("out1"), swarm.path("out1.part"))
      result = swarm.start_peer.wait
      expect([result.status, result.err]).to match([5, /out1\.part: belongs to another user: remove it/])
    end

    it "never writes a file another process is writing under another tag" do
      File.open(swarm.path("out1.part"), "wb") do |part|
        part.flock(File::LOCK_EX)
        result = swarm.start_peer.wait
        expect([result.status, result.err]).to match([10, /out1\.part: another process is writing it/])
      end
      expect(swarm.start_peer.wait.status).to eq(0)
    end

    it "announces LOCAL_IP when it is given, and not when it is empty" do
      { "" => "127.0.0.1", "127.0.0.9" => "127.0.0.9" }.each_with_index do |(ip, address), i|
        args = ["peer", "payload.torrent", "ip#{i}", ip, "--tag", "ip#{i}", "--linger", 30]
        expect(swarm.run(:client, *args).status).to eq(0)
        stats = JSON.parse(Net::HTTP.get(URI("http://127.0.0.1:#{swarm.port}/stats")))
        peers = stats["swarms"][0]["peers"].map { |peer| peer["address"] }
        expect(peers.grep(/\A#{Regexp.escape(address)}:/).size).to be >= 1
      end
      result = swarm.run(:client, "peer", "payload.torrent", "ip", "nonsense")
      expect([result.status, result.err]).to match([2, /nonsense: is not an IP address/])
    end
  end

  describe "stop and status" do
    it "leaves v10 alone when v1 is stopped" do
      swarm.make_payload(mib: 1)
      swarm.start_tracker
      %w[v1 v10].each { |tag| swarm.start_seeder("payload.torrent", "payload", "--tag", tag) }
      lines = swarm.run(:client, "status").out.lines
      expect(lines).to match([/\Arole=seeder tag=v1 pid=\d+\n\z/, /\Arole=seeder tag=v10 pid=\d+\n\z/])

      expect(swarm.run(:client, "stop", "seeder", "--tag", "v1").status).to eq(0)
      expect(swarm.run(:client, "status", "seeder").out).to eq(lines[1])
      expect(swarm.run(:client, "stop", "seeder", "--tag", "v1").status).to eq(11)
      expect(swarm.run(:client, "stop", "seeder", "--all").status).to eq(0)
      expect(swarm.run(:client, "status").status).to eq(11)
      expect(swarm.run(:client, "stop", "seeder", "--all").status).to eq(11)
    end

    it "says that nothing runs, with status 11" do
      { [] => "seeder or peer", ["peer"] => "peer", ["--tag", "v1"] => "seeder or peer with tag v1",
        ["seeder", "--tag", "v1"] => "seeder with tag v1" }.each do |args, what|
        result = swarm.run(:client, "status", *args)
        expect([result.status, result.out, result.err])
          .to eq([11, "", "murder_client: no #{what} runs here (run directory #{swarm.run_dir})\n"])
      end
    end

    it "asks for a role and a tag" do
      expect(swarm.run(:client, "stop", "tracker", "--all").status).to eq(2)
      expect(swarm.run(:client, "stop", "peer").status).to eq(2)
      expect(swarm.run(:client, "stop", "peer", "--all", "--tag", "x").status).to eq(2)
      expect(swarm.run(:client, "status", "nobody").status).to eq(2)
    end

    it "stops a lingering peer" do
      swarm.make_payload(mib: 1)
      swarm.start_tracker
      swarm.start_seeder
      swarm.start_peer(1, linger: 60).wait
      expect(swarm.run(:client, "stop", "peer", "--tag", "p1").status).to eq(0)
      expect(swarm.pid_of("peer", "p1")).to be_nil
    end

    it "tells the tracker when a seeder is stopped" do
      swarm.make_payload(mib: 1)
      swarm.start_tracker
      swarm.start_seeder
      seeds = lambda do
        stats = JSON.parse(Net::HTTP.get(URI("http://127.0.0.1:#{swarm.port}/stats")))
        stats["swarms"].sum { |s| s["seeds"] }
      end
      expect(seeds.call).to eq(1)
      swarm.run(:client, "stop", "seeder", "--all")
      expect(seeds.call).to eq(0)
    end
  end

  it "derives the tag from the torrent's name" do
    swarm.make_payload("v7.tgz", mib: 1)
    swarm.start_tracker
    swarm.start_seeder("v7.tgz.torrent", "v7.tgz")
    expect(swarm.run(:client, "status").out).to match(/\Arole=seeder tag=v7 pid=/)
  end

  it "extracts an archive on its own" do
    FileUtils.mkdir_p(swarm.path("tree"))
    File.write(swarm.path("tree/a"), "content")
    swarm.run(:make_torrent, "tree", "127.0.0.1:1", "t.tgz.torrent")
    expect(swarm.run(:client, "extract", "t.tgz", "there").status).to eq(0)
    expect(File.read(swarm.path("there/a"))).to eq("content")
  end
end

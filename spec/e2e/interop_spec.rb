# frozen_string_literal: true

require "English"
require "open3"
require_relative "../support/contestants"
require_relative "../support/own_network"
require_relative "../support/swarm"

# Clients that others wrote, against ours: as seeds, as downloaders, and as
# readers and writers of .torrent files. In a network of this spec's own.
RSpec.describe "Interoperation", :e2e do
  let(:swarm) { Swarm.new }
  let(:seconds) { 20 }
  attr_reader :net

  around { |example| OwnNetwork.enter { |net| (@net = net) && example.run } }

  after do
    @contestants&.each(&:stop)
    swarm.close
  end

  # One of them on an address of its own; skips, saying why, if it is not there.
  def contestant(kind, torrent: "payload.torrent")
    reason = kind.missing || kind.unreachable_at(net)
    skip reason if reason
    @contestants ||= []
    number = @contestants.size + 2
    kind.new(swarm.path("#{kind.label}-#{number}"), torrent: swarm.path(torrent), address: "#{net}.0.#{number}")
        .tap { |one| @contestants << one }
  end

  def stats = JSON.parse(Net::HTTP.get(URI("http://127.0.0.1:#{swarm.port}/stats")))["swarms"]

  def wait_for_seed = Swarm.wait_until(10) { stats.sum { |one| one["seeds"] }.positive? }

  # All have it, in time, and the bytes are the right ones.
  def expect_complete(*those)
    Swarm.wait_until(seconds) { those.all?(&:done?) }
    those.each(&:stop)
    expect(those.map { |one| Digest::SHA256.file(one.target).hexdigest })
      .to all(eq(Digest::SHA256.file(swarm.path("payload")).hexdigest))
  rescue RuntimeError => e
    raise "#{e.message}; #{those.reject(&:done?).map { |one| "#{one.label}: #{one.log[-500..]}" }.join("\n")}"
  end

  others = [Contestant::Aria2, Contestant::Transmission, Contestant::Libtorrent]

  describe "through our tracker" do
    before do
      swarm.make_payload(mib: 16)
      swarm.start_tracker
    end

    others.each do |kind|
      it "lets #{kind.label} download from our seeder" do
        downloader = contestant(kind)
        contestant(Contestant::Ours).seed(swarm.path("payload"))
        wait_for_seed
        expect_complete(downloader.fetch)
      end

      it "lets our peer download from #{kind.label}" do
        contestant(kind).seed(swarm.path("payload"))
        wait_for_seed
        expect_complete(contestant(Contestant::Ours).fetch)
      end
    end

    it "lets aria2, transmission, libtorrent and our peers download together from our seeder" do
      downloaders = [*others, *Array.new(3) { Contestant::Ours }, Contestant::Aria2, Contestant::Libtorrent]
                    .map { |kind| contestant(kind) }
      contestant(Contestant::Ours).seed(swarm.path("payload"))
      wait_for_seed
      expect_complete(*downloaders.each(&:fetch))
    end

    it "lets our peers download together from the seeds of three others" do
      seeds = others.map { |kind| contestant(kind) }.each { |one| one.seed(swarm.path("payload")) }
      Swarm.wait_until(10) { stats.sum { |one| one["seeds"] } == seeds.size }
      expect_complete(*Array.new(3) { contestant(Contestant::Ours) }.each(&:fetch))
    end
  end

  describe "through opentracker" do
    # Debian's opentracker serves only torrents it was told of, and puts itself
    # into its directory as nobody.
    def start_opentracker(info_hash)
      skip "opentracker is not installed (bin/setup --test installs it)" unless tool("opentracker")
      dir = swarm.path("opentracker")
      FileUtils.mkdir(dir, mode: 0o755)
      File.write(File.join(dir, "whitelist"), "#{info_hash}\n")
      [swarm.dir, dir].each { |one| File.chmod(0o755, one) }
      @tracker = Process.spawn("opentracker", "-i", "127.0.0.1", "-p", swarm.port.to_s, "-d", dir, "-w", "whitelist",
                               %i[out err] => swarm.path("opentracker.log"))
      Swarm.wait_until { TCPSocket.new("127.0.0.1", swarm.port).close || true rescue false } # rubocop:disable Style/RescueModifier
    end

    after do
      if @tracker
        Process.kill(:TERM, @tracker)
        Process.wait(@tracker)
      end
    end

    it "our seeder and peers find one another" do
      swarm.make_payload(mib: 16)
      said = swarm.run(:make_torrent, "payload", "127.0.0.1:#{swarm.port}", "payload.torrent")
      start_opentracker(said.out[/info_hash=(\h{40})/, 1])
      contestant(Contestant::Ours).seed(swarm.path("payload"))
      expect_complete(*Array.new(3) { contestant(Contestant::Ours) }.each(&:fetch))
    end
  end

  def tool(name)
    File.executable?(name) || ENV.fetch("PATH").split(":").any? { |dir| File.executable?(File.join(dir, name)) }
  end

  # Runs somebody else's program; gives what it printed.
  def other(package, program, *arguments)
    skip "#{program} is not installed (Debian package #{package}; bin/setup --test installs it)" unless tool(program)
    out, status = Open3.capture2e(program, *arguments.map(&:to_s), chdir: swarm.dir)
    raise "#{program} #{arguments.join(" ")}: #{out}" unless status.success?

    out
  end

  describe "a .torrent of ours" do
    before do
      File.binwrite(swarm.path("payload"), Random.bytes(5_000_000))
      said = swarm.run(:make_torrent, "payload", "tracker.example:8998", "payload.torrent").out
      @info_hash = said[/info_hash=(\h{40})/, 1]
    end

    it "is read by transmission-show" do
      expect(other("transmission-cli", "transmission-show", "payload.torrent"))
        .to include("Name: payload\n", "Hash: #{@info_hash}\n", "Piece Count: 20\n", "Piece Size: 256.0 KiB\n",
                    "Total Size: 5.00 MB\n", "Public torrent\n", "http://tracker.example:8998/announce\n")
    end

    it "is read by aria2c -S" do
      expect(other("aria2", "aria2c", "-S", "payload.torrent"))
        .to include("Info Hash: #{@info_hash}", "Piece Length: 256KiB", "The Number of Pieces: 20", "(5,000,000)",
                    "http://tracker.example:8998/announce", "1|./payload")
    end

    it "is read by libtorrent" do
      skip Contestant::Libtorrent.missing if Contestant::Libtorrent.missing
      script = "import libtorrent as lt; t = lt.torrent_info('payload.torrent'); " \
               "print(t.info_hash(), t.name(), t.total_size(), t.num_pieces(), [x.url for x in t.trackers()])"
      expect(other("python3-libtorrent", Contestant::Libtorrent::PYTHON, "-c", script).chomp)
        .to eq("#{@info_hash} payload 5000000 20 ['http://tracker.example:8998/announce']")
    end
  end

  describe "our programs distribute by a .torrent" do
    before { File.binwrite(swarm.path("payload"), Random.bytes(5_000_000)) }

    def announce = "http://127.0.0.1:#{swarm.port}/announce"

    def distribute
      swarm.start_tracker
      contestant(Contestant::Ours).seed(swarm.path("payload"))
      wait_for_seed
      expect_complete(contestant(Contestant::Ours).fetch)
    end

    it "of mktorrent's" do
      other("mktorrent", "mktorrent", "-a", announce, "-l", 18, "-c", "a comment", "-o", "payload.torrent", "payload")
      distribute
    end

    it "of mktorrent's that is private and names several trackers" do
      other("mktorrent", "mktorrent", "-p", "-a", "http://127.0.0.1:9/announce", "-a", announce, "-l", 15,
            "-o", "payload.torrent", "payload")
      distribute
    end

    it "of transmission-create's" do
      other("transmission-cli", "transmission-create", "-t", announce, "-o", "payload.torrent", "payload")
      distribute
    end

    it "of libtorrent's" do
      skip Contestant::Libtorrent.missing if Contestant::Libtorrent.missing
      script = "import libtorrent as lt; s = lt.file_storage(); lt.add_files(s, 'payload'); " \
               "t = lt.create_torrent(s, flags=lt.create_torrent.v1_only); t.add_tracker('#{announce}'); " \
               "lt.set_piece_hashes(t, '.'); open('payload.torrent', 'wb').write(lt.bencode(t.generate()))"
      other("python3-libtorrent", Contestant::Libtorrent::PYTHON, "-c", script)
      distribute
    end
  end
end

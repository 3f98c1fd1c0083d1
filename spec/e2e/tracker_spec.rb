# frozen_string_literal: true

require "English"
require_relative "../spec_helper"
require_relative "../support/swarm"

RSpec.describe "murder_tracker" do
  let(:swarm) { Swarm.new }
  let(:port) { swarm.port }
  let(:info_hash) { "%00%26%3D%FF#{"h" * 16}" }

  after { swarm.close }

  def get(path, host: "127.0.0.1") = Net::HTTP.start(host, port) { |http| http.get(path) }
  def stats = JSON.parse(get("/stats").body)
  def peers = stats["swarms"].flat_map { |s| s["peers"] }
  def pid = swarm.run(:tracker, "status", "--port", port).out[/pid=(\d+)/, 1]&.to_i
  def start(*args) = swarm.run(:tracker, "--port", port, "--daemon", *args)

  # The path of an announce by peer number n.
  def announce(number = 1, **more)
    query = { port: 6881, uploaded: 0, downloaded: 0, left: 5 }.merge(more).map { |k, v| "&#{k}=#{v}" }.join
    format("/announce?info_hash=%<hash>s&peer_id=-SP0001-%<n>012d%<query>s", hash: info_hash, n: number, query: query)
  end

  # Sends raw bytes; gives all that comes back until the tracker closes.
  def raw(bytes, seconds: 15)
    Socket.tcp("127.0.0.1", port) do |socket|
      socket.write(bytes)
      Timeout.timeout(seconds) { socket.read }
    end
  rescue Errno::EPIPE, Errno::ECONNRESET
    ""
  end

  describe "starting and stopping" do
    it "returns when it listens, says so, and is stopped" do
      result = start
      expect([result.status, result.err]).to eq([0, "murder_tracker: listening on port #{port}\n"])
      expect(get("/stats").code).to eq("200")
      expect(swarm.run(:tracker, "status", "--port", port).out).to match(/\Arole=tracker tag=#{port} pid=\d+\n\z/)

      expect(swarm.run(:tracker, "stop", "--port", port).status).to eq(0)
      expect { get("/stats") }.to raise_error(Errno::ECONNREFUSED)
      expect(Dir.children(swarm.run_dir)).to be_empty
    end

    it "is a success when ours runs already, and leaves it alone" do
      start
      before = pid
      result = start
      expect([result.status, result.err]).to match([0, /already running on port #{port} \(process #{before}\)/])
      expect(pid).to eq(before)
    end

    it "says in the foreground that ours runs already, with status 10" do
      start
      expect(swarm.run(:tracker, "--port", port).status).to eq(10)
    end

    it "makes one tracker of four started at once" do
      runs = Array.new(4) { swarm.start(:tracker, "--port", port, "--daemon") }
      results = runs.map(&:wait)
      expect(results.map(&:status)).to eq([0] * 4)
      expect(results.count { |r| r.err.include?("listening") }).to eq(1)
    end

    it "fails with status 6 and names the port when somebody else listens there" do
      TCPServer.open("127.0.0.1", port) do
        result = start
        expect([result.status, result.err.lines.size]).to eq([6, 1])
        expect(result.err).to match(/port #{port} .*in use/)
      end
      expect(start.status).to eq(0)
    end

    it "stops another port's tracker for nobody, status 11" do
      start
      result = swarm.run(:tracker, "stop", "--port", Swarm.free_port)
      expect([result.status, result.err.lines.size]).to eq([11, 1])
      expect(get("/stats").code).to eq("200")
    end

    it "starts again at once after it was killed" do
      start
      get(announce)
      Process.kill(:KILL, victim = pid)
      Swarm.wait_until { Swarm.gone?(victim) }
      result = swarm.run(:tracker, "status", "--port", port)
      expect([result.status, result.out, result.err.lines.size]).to eq([11, "", 1])
      expect(start.status).to eq(0)
      expect(get(announce).body).to include("incompletei1e")
    end

    it "ends cleanly on SIGTERM and SIGINT in the foreground" do
      %i[TERM INT].each do |signal|
        run = swarm.start(:tracker, "--port", port)
        Swarm.wait_until { run.err.include?("listening") }
        run.kill(signal)
        expect(run.wait.status).to eq(0)
        expect(Dir.children(swarm.run_dir)).to be_empty
      end
    end

    it "refuses what it cannot use, in one line" do
      { %w[--bind nonsense] => 2, %w[--bind 192.0.2.1] => 6, %w[--log /nonexistent/log] => 5, %w[--interval 0] => 2,
        %w[superfluous] => 2, %w[--wait 3] => 2 }.each do |args, status|
        result = start(*args)
        expect([args, result.status, result.err.lines.size]).to eq([args, status, 1])
      end
      argv = [File.join(Swarm::PROGRAMS, "murder_tracker"), "--port", port.to_s, "--daemon", "--run-dir", "/dev/null"]
      expect(Swarm::Running.new(swarm.dir, argv).wait.status).to eq(5)
    end

    it "appends to its log with the time, and leaves no terminal open" do
      start("--log", "tracker.log")
      swarm.run(:tracker, "stop", "--port", port)
      expect(File.read(swarm.path("tracker.log")).lines).to match(
        [/\A\d{4}-\d\d-\d\dT.*Z murder_tracker\[\d+\] info: listening on port #{port}\n/, /info: asked to end\n/]
      )
    end
  end

  it "logs every announce with --verbose, and why it refused one" do
    start("--verbose", "--log", "tracker.log")
    get(announce(1, left: 7, event: "started"))
    get(announce.sub("port=6881", "port=x"))
    swarm.run(:tracker, "stop", "--port", port)
    expect(File.read(swarm.path("tracker.log"))).to include(
      "debug: 127.0.0.1: port 6881 of 00263dff started, 7 bytes left\n", "debug: 127.0.0.1: refused: port\n"
    )
  end

  describe "announces" do
    before { start }

    it "tells peers of each other over IPv4 and IPv6" do
      get(announce(1, left: 0))
      expect(get(announce(2, port: 7000), host: "::1").body).to end_with("5:peers6:\x7F\0\0\1\x1A\xE1e".b)
      expect(peers.map { |p| p["address"] }).to contain_exactly("127.0.0.1:6881", "[::1]:7000")
      expect(get(announce(3, port: 7001, compact: 0)).body).to include("2:ip3:::1", "2:ip9:127.0.0.1")
    end

    it "registers aria2c, which finds a peer and leaves when it ends" do
      swarm.make_payload(mib: 1)
      argv = %w[aria2c --no-conf --enable-dht=false --bt-enable-lpd=false --seed-time=0 --dir out payload.torrent]
      aria = Swarm::Running.new(swarm.dir, argv)
      entry = Swarm.wait_until(20) { peers.find { |p| [p["peer_id"]].pack("H*").start_with?("A2-") } }
      expect(entry).to include("left" => 1 << 20, "downloaded" => 0)
      aria.kill(:INT)
      aria.wait
      expect(peers).to be_empty
    ensure
      aria&.close
    end

    it "answers curl, on one connection for several requests" do
      url = "http://127.0.0.1:#{port}"
      format = "%{num_connects}\n" # rubocop:disable Style/FormatStringToken
      out = IO.popen(["curl", "-sS", "-w", format, "#{url}#{announce}", "#{url}/scrape"], &:read)
      expect(out.b).to match(/\Ad8:complete.*e1\nd5:filesd20:\x00&=\xFFh+d8:completei0e.*e0\n\z/mn)
    end

    it "counts who completed and forgets who stopped" do
      get(announce(1))
      get(announce(1, left: 0, event: "completed"))
      expect(stats["swarms"]).to match([include("seeds" => 1, "leechers" => 0, "completed" => 1)])
      get(announce(1, left: 0, event: "stopped"))
      expect(stats["swarms"]).to match([include("seeds" => 0, "completed" => 1, "peers" => [])])
    end

    it "believes ip=, and X-Forwarded-For not" do
      get(announce(1, ip: "10.1.2.3"))
      Net::HTTP.start("127.0.0.1", port) { |http| http.get(announce(2), { "X-Forwarded-For" => "10.9.9.9" }) }
      expect(peers.map { |p| p["address"] }).to contain_exactly("10.1.2.3:6881", "127.0.0.1:6881")
    end

    it "answers a broken announce with a failure reason and status 200" do
      { "/announce" => "info_hash is missing", "/announce?info_hash=%GG" => "info_hash has a broken %-escape",
        announce.sub("port=6881", "port=0") => "port holds a number out of range",
        "/scrape?info_hash=short" => "info_hash has the wrong length" }.each do |path, reason|
        response = raw("GET #{path} HTTP/1.0\r\n\r\n")
        expect(response).to start_with("HTTP/1.1 200").or start_with("HTTP/1.0 200")
        expect(response).to end_with("d14:failure reason#{reason.size}:#{reason}e")
      end
      expect(peers).to be_empty
    end

    it "drops the silent after three intervals" do
      quick = Swarm.new
      quick.run(:tracker, "--port", quick.port, "--daemon", "--interval", 1)
      Net::HTTP.get(URI("http://127.0.0.1:#{quick.port}#{announce}"))
      looks = Swarm.wait_until do
        JSON.parse(Net::HTTP.get(URI("http://127.0.0.1:#{quick.port}/stats")))["swarms"].first["peers"].empty?
      end
      expect(looks).to be(true)
    ensure
      quick.close
    end

    it "takes 10,000 announces, pipelined on ten connections, and knows every peer" do
      sockets = Array.new(10) { TCPSocket.new("127.0.0.1", port) }
      sockets.each_with_index.map do |socket, i|
        Thread.new do
          1000.times.each_slice(50) do |numbers|
            hosts = numbers.map { |n| (i * 1000) + n }
            socket.write(hosts.map do |n|
              "GET #{announce(n, ip: "10.0.#{n / 250}.#{n % 250}")} HTTP/1.1\r\nHost: t\r\n\r\n"
            end.join)
            hosts.each do
              length = socket.gets("\r\n\r\n")[/Content-Length: (\d+)/, 1].to_i
              raise "no announce reply" unless socket.read(length).start_with?("d8:complete")
            end
          end
        end
      end.each(&:join)
      expect(stats).to match(include("announces" => 10_000))
      expect(peers.map { |p| p["address"] }.uniq.size).to eq(10_000)
    ensure
      sockets&.each(&:close)
    end
  end

  describe "hostile requests" do
    before { start }

    after { expect(get(announce).body).to start_with("d8:complete") }

    it "refuses an oversized request line or header" do
      expect(raw("GET /announce?#{"a" * 100_000} HTTP/1.1\r\n\r\n")).to match(/\A(HTTP.1\.\d 414|\z)/)
      expect(raw("GET /announce HTTP/1.1\r\nX: #{"a" * 100_000}\r\n\r\n")).to match(/\A(HTTP.1\.\d (413|431)|\z)/)
      expect(raw("GET /stats HTTP/1.1\r\n#{"A: b\r\n" * 20_000}\r\n")).to match(/\A(HTTP.1\.\d (413|431)|\z)/)
    end

    it "refuses other methods, bodies and paths" do
      post = "POST /announce HTTP/1.1\r\nHost: t\r\nContent-Length: 10000000\r\n\r\nx"
      expect(raw(post)).to start_with("HTTP/1.1 405")
      expect(raw("GET /announce HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello")).not_to include("200 OK")
      expect(get("/announce/../stats").code).to eq("404")
      expect(get("/").code).to eq("404")
    end

    it "closes on garbage" do
      expect(raw("#{Random.bytes(5000)}\r\n\r\n\r\n")).not_to include("200 OK")
      expect(raw("\0\r\n\r\n")).not_to include("200 OK")
      expect(raw("\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03\r\n\r\n")).not_to include("200 OK")
    end

    it "serves others while many connections are idle or slow, and closes those" do
      idle = Array.new(600) { TCPSocket.new("127.0.0.1", port) }
      slow = Array.new(50) { TCPSocket.new("127.0.0.1", port).tap { |s| s.write("GET /announce?info_hash=") } }
      200.times { |n| expect(get(announce(n, ip: "10.0.0.#{n + 1}")).code).to eq("200") }
      expect(peers.size).to eq(200)
      Timeout.timeout(25) { (idle + slow).each(&:read) } # each ends: closed by the tracker
    ensure
      (idle.to_a + slow.to_a).each(&:close)
    end
  end
end

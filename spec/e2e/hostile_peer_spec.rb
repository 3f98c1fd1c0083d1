# frozen_string_literal: true

require "English"
require_relative "../spec_helper"
require_relative "../support/swarm"

RSpec.describe "murder_client facing hostile neighbours" do
  let(:swarm) { Swarm.new }
  let(:listen) { Swarm.free_port }
  let(:info_hash) { [swarm.instance_variable_get(:@made)].pack("H*") }

  before do
    File.binwrite(swarm.path("payload"), Random.bytes(4 << 20))
    made = swarm.run(:make_torrent, "payload", "127.0.0.1:#{swarm.port}", "payload.torrent").out
    swarm.instance_variable_set(:@made, made[/info_hash=(\h+)/, 1])
    swarm.start_tracker
    expect(swarm.start_seeder("payload.torrent", "payload", "--port", listen).status).to eq(0)
  end

  after do
    # Whatever the hostile did: the seeder lives, and serves the next peer.
    expect(swarm.pid_of("seeder", "payload")).not_to be_nil
    expect(swarm.start_peer.wait.status).to eq(0)
    expect(swarm.same?("out1")).to be(true)
  ensure
    swarm.close
  end

  def handshake(hash = info_hash, reserved: "\0" * 8, id: "-XX0001-#{rand(10**12).to_s.rjust(12, "0")}")
    "\x13BitTorrent protocol".b + reserved.b + hash + id.b
  end

  def message(id, body = "") = [body.bytesize + 1, id].pack("NC") + body.b

  def connect = TCPSocket.new("127.0.0.1", listen)

  # Sends bytes; whether the other side has closed within so many seconds.
  def closed_after?(bytes, seconds: 5)
    socket = connect
    begin
      socket.write(bytes)
    rescue Errno::EPIPE, Errno::ECONNRESET
      return true
    end
    closed?(socket, seconds)
  ensure
    socket&.close
  end

  def closed?(socket, seconds)
    Timeout.timeout(seconds) { nil while socket.readpartial(65_536) }
  rescue EOFError, Errno::ECONNRESET
    true
  rescue Timeout::Error
    false
  end

  it "closes on noise, a wrong torrent, its own id and HTTP" do
    [Random.bytes(5000), "GET / HTTP/1.1\r\n\r\n#{"x" * 60}", "\xff".b * 68, handshake(Random.bytes(20))]
      .each { |bytes| expect(closed_after?(bytes)).to be(true), bytes[0, 30].inspect }
  end

  it "closes on messages too long, of the wrong length, or about pieces that do not exist" do
    bad = {
      "4 GiB" => [0xffffffff, 5].pack("NC"),
      "2 GiB piece" => [0x7fffffff, 7].pack("NC"),
      "long have" => message(4, "\0" * 5),
      "short request" => message(6, "\0" * 4),
      "have of no piece" => message(4, [1_000_000].pack("N")),
      "bitfield too long" => message(5, "\xff" * 100),
      "spare bits set" => message(5, "\xff" * 1) + message(5, "\xff" * 3),
      "request beyond the piece" => message(2) + message(6, [0, 1 << 18, 16_384].pack("NNN")),
      "request of no piece" => message(2) + message(6, [99_999, 0, 16_384].pack("NNN")),
      "request of 4 GiB" => message(2) + message(6, [0, 0, 0xffffffff].pack("NNN"))
    }
    bad.each { |name, bytes| expect(closed_after?(handshake + bytes.b)).to be(true), name }
  end

  it "survives noise behind a good handshake" do
    30.times do
      socket = connect
      socket.write(handshake(reserved: [0, 0, 0, 0, 0, 16, 0, 4].pack("C*")) + Random.bytes(rand(1..4000)))
    rescue Errno::EPIPE, Errno::ECONNRESET
      nil
    ensure
      socket&.close
    end
  end

  it "closes on pieces that nobody asked for" do
    stray = (0...64).map { |i| message(7, [i % 16, (i / 16) << 14].pack("NN") + Random.bytes(16_384)) }.join
    expect(closed_after?(handshake + stray)).to be(true)
  end

  it "lets the silent and the slow wait no longer than its handshake deadline" do
    silent = Array.new(20) { connect }
    slow = connect
    slow.write(handshake[0, 20])
    expect(silent.all? { |s| closed?(s, 40) }).to be(true)
    expect(closed?(slow, 10)).to be(true)
  ensure
    [*silent, slow].compact.each(&:close)
  end

  it "uses bounded memory for a neighbour that asks and never reads" do
    pid = swarm.pid_of("seeder", "payload")
    request = (0...16).flat_map { |i| (0...16).map { |j| message(6, [i, j << 14, 1 << 14].pack("NNN")) } }.join
    socket = connect
    socket.setsockopt(Socket::SOL_SOCKET, Socket::SO_RCVBUF, 4096)
    socket.write(handshake(reserved: [0, 0, 0, 0, 0, 0, 0, 4].pack("C*")) + message(2))
    begin
      Timeout.timeout(3) { loop { socket.write(request) } }
    rescue Timeout::Error, Errno::EPIPE, Errno::ECONNRESET
      nil
    end
    expect(File.read("/proc/#{pid}/status")[/VmRSS:\s+(\d+)/, 1].to_i).to be < 32 << 10
  ensure
    socket&.close
  end

  it "accepts connections in a burst and closes those that are too many" do
    sockets = Array.new(300) { connect }
    sockets.each { |s| s.write(handshake) rescue nil } # rubocop:disable Style/RescueModifier
    open = sockets.reject { |s| closed?(s, 0.05) }.size
    expect(open).to be <= 128
  ensure
    sockets&.each(&:close)
  end
end

# frozen_string_literal: true

require "English"
require_relative "../spec_helper"
require_relative "../support/swarm"

# Every row of ext/murder/io/status.h, each shown by a real program.
module ExitStatus
  HEADER = File.expand_path("../../ext/murder/io/status.h", __dir__)
  TABLE = File.read(HEADER).scan(/X\((STATUS_\w+), (\d+), "([^"]+)"\)/)
  ROWS = TABLE.to_h { |name, value, _| [name, value.to_i] }
  MEANINGS = TABLE.map { |_, value, meaning| [value.to_i, meaning] }

  # What gives each status; run in a swarm with a payload of 1 MiB, no tracker.
  PROOFS = {
    "STATUS_OK" => ->(s) { s.run(:client, "--version") },
    "STATUS_FAILED" => ->(s) { s.run(:client, "seeder", "payload.torrent", "payload", limits: { rlimit_nofile: 7 }) },
    "STATUS_USAGE" => ->(s) { s.run(:client, "peer", "--nonsense") },
    "STATUS_INPUT" => ->(s) { s.start_peer(1, torrent: "payload").wait },
    "STATUS_NO_INPUT" => ->(s) { s.start_peer(1, torrent: "absent.torrent").wait },
    "STATUS_DISK" => ->(s) { s.start_peer(1, out: "no/such/directory/out").wait },
    "STATUS_PORT" => lambda do |s|
      TCPServer.open("0.0.0.0", 0) { |server| s.start_peer(1, "--port", server.addr[1]).wait }
    end,
    "STATUS_TRACKER" => ->(s) { s.start_peer(1, timeout: 1).wait },
    "STATUS_STALLED" => ->(s) { s.start_tracker && s.start_peer(1, timeout: 1).wait },
    "STATUS_MISMATCH" => lambda do |s|
      File.write(s.path("payload"), "other")
      s.start_seeder
    end,
    "STATUS_BUSY" => ->(s) { s.start_tracker && s.start_seeder && s.start_seeder },
    "STATUS_NOT_RUNNING" => ->(s) { s.run(:client, "stop", "peer", "--tag", "nobody") },
    "STATUS_NOT_EMPTY" => lambda do |s|
      FileUtils.mkdir_p([s.path("tree/a"), s.path("full/a")])
      s.run(:make_torrent, "tree", "127.0.0.1:1", "tree.tgz.torrent")
      s.run(:client, "extract", "tree.tgz", "full")
    end,
    "STATUS_INTERRUPTED" => lambda do |s|
      peer = s.start_peer
      Swarm.wait_until { s.pid_of("peer", "p1") && File.exist?(s.path("out1.part")) }
      peer.kill(:TERM)
      peer.wait(10)
    end
  }.freeze
end

RSpec.describe "The exit-status table" do
  let(:swarm) { Swarm.new }

  after { swarm.close }

  it "has a proof for every row, and no other" do
    expect(ExitStatus::PROOFS.keys).to match_array(ExitStatus::ROWS.keys)
    expect(ExitStatus::ROWS.values.uniq.size).to eq(ExitStatus::ROWS.size)
  end

  ExitStatus::PROOFS.each do |name, proof|
    it "is true of #{ExitStatus::ROWS[name]}, #{name}" do
      swarm.make_payload(mib: 1)
      result = proof.call(swarm)
      expect([result.status, result.err]).to match([ExitStatus::ROWS[name], anything])
      next if name == "STATUS_OK"

      expect(result.err).to match(/\Amurder_client: [^\n]+\n\z/)
    end
  end

  Dir[File.expand_path("../../man/murder_*.[18]", __dir__)].each do |page|
    it "is quoted rightly in #{File.basename(page)}" do
      text = File.read(page)[/\.Sh EXIT STATUS.*?(?=^\.Sh)/m]
      quoted = text.scan(/^\.It (\d+)\n(.+)/).map { |value, meaning| [value.to_i, meaning] }
      expect(quoted).not_to be_empty
      expect(quoted.map(&:first) - ExitStatus::ROWS.values).to be_empty
      expect(quoted).to eq(ExitStatus::MEANINGS) if page.end_with?("murder_client.1")
    end
  end
end

# frozen_string_literal: true

require_relative "../lab/lab"

RSpec.describe Lab, :e2e do
  before { skip Lab.impossible if Lab.impossible }

  # One run of ours; its figures.
  def figures(settings)
    settings = Lab::Settings.new({ "HOSTS" => 4, "SIZE" => "1MiB", "PIECE" => "32KiB" }.merge(settings))
    Lab::Network.open(settings) do |network|
      speed = Lab::LinkSpeed.new(network)
      Lab::Figures.new(settings, speed, Lab::Run.new(network, Lab::Murder.new(network), speed).perform)
    end
  end

  it "brings the payload to every host, no faster than links can carry it" do
    found = figures("RATE" => "10mbit")
    expect(found.result.failures).to be_empty
    expect(found.times.size).to eq(4)
    expect(found.speed.bytes_per_second * 8).to be_between(8.5e6, 1e7)
    expect(found.last).to be > found.copy * 0.98
    expect(found.copies).to be_between(0.95, 4.2)
    expect(found.cpu_per_gib).to be > 0
  end

  %w[8KiB 0].each do |unit|
    it "counts each packet, with UNIT=#{unit}" do
      found = figures("RATE" => "10mbit", "UNIT" => unit)
      expect(found.result.failures).to be_empty
      expect(found.speed.bytes_per_second * 8).to be < 1e7
      expect(found.speed.overhead).to be_within(0.005).of(1514 / 1448.0)
      expect(found.last).to be > found.copy * 0.98
    end
  end

  it "takes what a host sent off its account before the receiver's link" do
    Lab::Network.open(Lab::Settings.new("HOSTS" => 2, "SIZE" => "1MiB")) do |network|
      Lab::LinkSpeed.new(network)
      passed = network.sh!("tc -s filter show dev #{network.seeder.link} ingress")[/Sent (\d+) bytes/, 1].to_i
      expect(passed).to be_between(1 << 20, network.sent(network.seeder))
    end
  end

  it "gives a slow host the time its own link needs" do
    found = figures("RATE" => "20mbit", "SLOW" => 1, "SLOW_RATE" => "4mbit")
    expect(found.result.failures).to be_empty
    expect(found.result.slow_times.first).to be > found.last
    expect(found.slow_ratio).to be > 0.95
  end

  it "holds racks to their uplinks" do
    found = figures("RATE" => "20mbit", "RACKS" => 2, "OVERSUBSCRIPTION" => 8, "RACKS_BY" => "nothing")
    expect(found.result.failures).to be_empty
    expect(found.bound).to be > 3.9 * found.copy
    expect(found.last).to be > found.bound * 0.9
  end

  %w[label subnet].each do |how|
    it "brings each piece into a rack about once, racks known by #{how}" do
      settings = { "HOSTS" => 8, "SIZE" => "4MiB", "PIECE" => "16KiB", "RATE" => "20mbit", "RACKS" => 2,
                   "OVERSUBSCRIPTION" => 4 }
      found = figures(settings.merge("RACKS_BY" => how))
      expect(found.result.failures).to be_empty
      expect(found.rack_copies).to be_between(0.95, 1.5)
    end
  end

  it "goes on without hosts that lost power, the tracker and the seeder" do
    found = figures("SIZE" => "2MiB", "RATE" => "10mbit", "KILL" => 1, "SEEDER_DIES" => 1, "TRACKER_DIES" => 1)
    expect(found.result.failures).to be_empty
    expect(found.result.faults.size).to eq(3)
    expect(found.times.size).to eq(3)
  end

  it "tells of a host that cannot finish" do
    found = figures("KILL_AT" => 0.1, "SIZE" => "2MiB", "CUT" => 4, "TIMEOUT" => 2, "RATE" => "4mbit")
    expect(found.result.failures).not_to be_empty
  end

  it "leaves nothing behind, also when it is killed" do
    script = <<~RUBY
      require #{File.expand_path("../lab/lab.rb", __dir__).inspect}
      settings = Lab::Settings.new("HOSTS" => "2", "SIZE" => "1MiB")
      Lab::Network.open(settings) do |network|
        program = network.program(network.seeder, "sleep", %w[sleep 1236])
        network.wait_until(10) { program.ready? }
        program.go
        puts network.workdir.path
        $stdout.flush
        sleep 60
      end
    RUBY
    IO.popen([RbConfig.ruby, "-e", script, { err: File::NULL }]) do |io|
      dir = io.gets.chomp
      Process.kill(:KILL, io.pid)
      deadline = Hosts::Processes.now + 5
      # SIGKILL takes its time: a process that still ends owns its directory
      left = -> { [*sleeping, *Hosts::Processes.start(io.pid)] }
      sleep 0.05 until left.call.empty? || Hosts::Processes.now > deadline
      expect(left.call).to be_empty
      Hosts::Workdir.reap
      expect(File.exist?(dir)).to be(false)
    end
  end

  # The pids of the program above.
  def sleeping
    Dir.glob("/proc/[0-9]*/cmdline").select { |file| File.read(file) == "sleep\0001236\0" rescue false } # rubocop:disable Style/RescueModifier
  end
end

RSpec.describe Lab::Settings do
  it "passes five packets at once, unless told otherwise" do
    expect(described_class.new.unit).to eq(5)
    expect(described_class.new("UNIT" => "0").unit).to eq(0)
    expect(described_class.new("MTU" => "9000").unit).to eq(0)
  end

  it "refuses units that are not small against a link's buffer" do
    expect(described_class.new("UNIT" => "16KiB").unit).to eq(10)
    expect { described_class.new("UNIT" => "32KiB").unit }.to raise_error(ArgumentError, /an eighth of QUEUE/)
  end
end

RSpec.describe Lab::Faults do
  it "knows which pieces are in a file with holes" do
    Dir.mktmpdir do |dir|
      { "a" => [0, 2], "b" => [1], "c" => [3] }.each do |name, pieces|
        File.open(File.join(dir, name), "wb") do |file|
          pieces.each { |piece| file.pwrite("x" * 65_536, piece * 65_536) }
          file.truncate(4 * 65_536)
        end
      end
      files = %w[a b c none].map { |name| File.join(dir, name) }
      expect(described_class.all_pieces?(files, 4 * 65_536, 65_536)).to be(true)
      expect(described_class.all_pieces?(files.first(2), 4 * 65_536, 65_536)).to be(false)
    end
  end
end

RSpec.describe Lab::Figures do
  it "holds times against the bound of Mundinger, Weber and Weiss" do
    settings = Lab::Settings.new("HOSTS" => 32, "SIZE" => "64MiB", "PIECE" => "256KiB")
    speed = instance_double(Lab::LinkSpeed, bytes_per_second: 1 << 20, overhead: 1.05)
    result = Lab::Run::Result.new(times: [66.0, 65.26, 65.25], seeder_bytes: 1.05 * (64 << 20) * 1.1)
    figures = described_class.new(settings, speed, result)
    expect(figures.bound).to eq(64 * (1 + (5 / 256.0)))
    expect(figures.ratio).to be_within(1e-9).of(66.0 / 65.25)
    expect(figures.copies).to be_within(1e-9).of(1.1)
    expect(figures.median).to eq(65.26)
  end
end

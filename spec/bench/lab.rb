# frozen_string_literal: true

# ruby spec/bench/lab.rb (rake bench:lab): the same distribution in the same lab
# by ours, by other clients and by a plain copy, in turn; a section of
# doc/PERFORMANCE.md and a plot for each number of hosts.
#   HOSTS=1,16,32 RATE=100mbit,50mbit,25mbit (default: as 800 Mbit/s in all allow)
#   SIZE=64MiB PIECE=256KiB RUNS=3 PLAIN_RUNS=1 (of the plain copy, which takes
#   as long as N copies) LIMIT=8 (times T*, after which a run is given up)
#   ONLY=murder,aria2 DRY=1 (prints, writes nothing); the rest as in rake lab
require "json"
require_relative "../lab/lab"
require_relative "clients"
require_relative "gate"
require_relative "report"

# One number of hosts at one rate.
class LabBench
  KINDS = [::Contestant::Aria2, ::Contestant::Libtorrent, ::Contestant::Rtorrent, ::Contestant::Transmission].freeze
  PLAIN = "plain copy"
  COLUMNS = ["client", "T_last, s: median (spread)", "T_last/T*", "median host/T*", "copies the seeder sent",
             "receiver CPU s per GiB", "seeder CPU s per GiB", "largest receiver, MiB", "machine, cores"].freeze

  def initialize(settings, environment)
    @settings = settings
    @only = environment.fetch("ONLY", "").split(",")
    @runs = Integer(environment.fetch("RUNS", 3))
    @plain_runs = Integer(environment.fetch("PLAIN_RUNS", 1))
    @limit = Float(environment.fetch("LIMIT", 8))
    @others = %w[PLAIN_RUNS LIMIT ONLY].filter_map { |name| "#{name}=#{environment[name]}" if environment[name] }
    @figures = {}
    @failed = {}
  end

  # All rounds; in each, every client once. Yields itself after each turn: what
  # is measured is not lost when it is interrupted.
  def perform
    Lab::Network.open(@settings) do |network|
      @speed = Gate.around { Lab::LinkSpeed.new(network) }
      @bound = Lab::Figures.new(@settings, @speed, nil).bound
      those = contestants(network)
      those.each { |one| @figures[one.name] = [] }
      peers, plain = those.partition { |one| one.name != PLAIN }
      (peers * @runs).each do |one|
        Gate.around { take_turn(network, one) }
        yield self
      end
      Gate.leave # the plain copy waits for one link: it needs no machine of its own
      (plain * @plain_runs).each do |one|
        take_turn(network, one)
        yield self
      end
    end
  end

  def hosts = @settings.hosts
  def plot = "lab-#{hosts}.svg"

  def text
    <<~TEXT
      #{Report.conditions(command)} #{hosts} #{hosts == 1 ? "host" : "hosts"}, #{Lab::Units.show_bytes(@settings.size)} in #{@settings.pieces} pieces, links of #{@settings.links} both ways; one TCP flow carries #{format("%.3f", @speed.bytes_per_second * 8 / 1e6)} Mbit/s, so T\\* = #{format("%.2f", @bound)} s. Medians of #{@figures.reject { |name, _| name == PLAIN }.values.map(&:size).max} rounds (of the plain copy: #{@plain_runs}), every round each client once; all downloads compared with the payload. CPU with the kernel's simulated network, all processes of a host; the seeder's from the receivers' start on.

      #{Report.table(COLUMNS, rows)}
      #{@failed.map { |name, why| "#{name}: #{why}\n" }.join}
      ![Completion curves](#{plot})
    TEXT
  end

  # The run in the middle of each client.
  def svg
    middle = ->(runs) { runs.min_by { |run| (run.last - median(runs, &:last)).abs } }
    curves = @figures.transform_values { |runs| middle.call(runs)&.times }.compact
    title = "#{hosts} hosts, #{Lab::Units.show_bytes(@settings.size)}, links of #{Lab::Units.show_rate(@settings.rate)}"
    Lab::Curve.svg(curves, hosts: hosts, bound: @bound, title: title, longest: 3.5 * @bound)
  end

  private

  def command
    command = [@settings.command.sub("rake lab", "rake bench:lab"), *@others].join(" ")
    command.include?("HOSTS=") ? command : command.sub(":lab", ":lab HOSTS=#{hosts}")
  end

  def contestants(network)
    absent, foreign = KINDS.partition(&:missing)
    absent.each { |kind| @failed[kind.label] = kind.missing }
    all = [Lab::Murder.new(network), *foreign.map { |kind| Lab::Foreign.new(network, kind) }, Lab::FanOut.new(network)]
    all.select { |one| @only.empty? || @only.include?(one.name) }
  end

  # Seconds after which a run is given up.
  def limit = 30 + (@limit * @bound)

  def take_turn(network, contestant)
    name = contestant.name
    return if @failed[name]

    figures = run(network, contestant)
    warn figures.text, JSON.generate(figures.to_h)
    figures.result.complete? ? @figures[name] << figures : @failed[name] = figures.result.failures.first
  rescue Lab::Error => e
    @failed[name] = e.message
  end

  def run(network, contestant)
    seconds = contestant.name == PLAIN ? (hosts + 2) * @bound : limit
    Lab::Figures.new(@settings, @speed, Lab::Run.new(network, contestant, @speed, seconds).perform)
  end

  def median(runs, &value) = Report.median(runs.map(&value))

  def rows
    @figures.filter_map do |name, runs|
      next [name, "not within #{limit.round} s", *Array.new(7, "")] if @failed[name]

      row(name, runs) unless runs.empty?
    end
  end

  def row(name, runs)
    gib = @settings.size.fdiv(1 << 30)
    [name, Report.spread(runs.map(&:last)), format("%.3f", median(runs, &:ratio)),
     format("%.3f", median(runs) { |run| run.median / run.bound }), Report.spread(runs.map(&:copies)),
     Report.spread(runs.map { |run| run.result.cpu.sum / hosts / gib }),
     Report.spread(runs.map { |run| run.result.server_cpu / gib }),
     median(runs) { |run| run.result.rss_kib.to_i / 1024 }.round,
     format("%.2f", median(runs) { |run| run.result.machine_cpu / run.result.seconds })]
  end
end

environment = ENV.to_h
all = environment.fetch("HOSTS", "1,16,32").split(",")
rates = environment.fetch("RATE", "").split(",")
if Lab.impossible
  warn "skipped: #{Lab.impossible}"
  exit
end

all.zip(rates).each do |hosts, rate|
  rate ||= rates.last || "#{[100, 800 / Integer(hosts)].min}mbit"
  title = "In the lab: #{hosts == "1" ? "one host" : "#{hosts} hosts"}, links of #{rate}"
  settings = Lab::Settings.new(environment.merge("HOSTS" => hosts, "RATE" => rate))
  LabBench.new(settings, environment).perform do |bench|
    puts bench.text
    next if environment["DRY"]

    File.write(File.join(File.dirname(Report::FILE), bench.plot), bench.svg)
    Report.write("lab-#{hosts}", title, bench.text)
    Clients.write
  end
end

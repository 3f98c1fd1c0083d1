# frozen_string_literal: true

require "fileutils"
require "tmpdir"
require_relative "../support/hosts/errors"
require_relative "../support/hosts/shell"
require_relative "../support/hosts/workdir"
require_relative "../support/hosts/processes"
require_relative "../support/hosts/world"
require_relative "units"
require_relative "settings"
require_relative "program"
require_relative "network"
require_relative "contestant"
require_relative "murder"
require_relative "fan_out"
require_relative "foreign"
require_relative "faults"
require_relative "run"
require_relative "link_speed"
require_relative "figures"
require_relative "curve"

# Whole swarms of the real programs on one machine, every host in a network
# namespace behind a link of limited rate: `rake lab`, `rake bench`, the specs.
#
#   Lab::Network.open(Lab::Settings.new("HOSTS" => "8")) do |network|
#     result = Lab::Run.new(network, Lab::Murder.new(network)).perform
#     puts Lab::Figures.new(network, result).text
#   end
#
# It stands in a world of the hosts library (spec/support/hosts): when the block
# ends, or this process dies in whatever way, the kernel ends every process in
# it and removes the links, the namespaces and the files, which are in memory.
module Lab
  class Error < Hosts::Error; end

  SOURCES = __dir__
  TOOLS = File.expand_path("../../ext/murder/build/lab", __dir__)
  PROGRAMS = File.expand_path(ENV.fetch("MURDER_PROGRAMS", File.expand_path("../../ext/murder/build", __dir__)))

  # :root or :user (a user namespace); nil where neither is allowed.
  def self.kind
    @kind ||= [*(:root if Process.uid.zero?), :user].find { |kind| Hosts::World.possible?(kind) && shaping?(kind) }
  end

  # Why there can be no lab here; nil if there can.
  def self.impossible
    return nil unless kind.nil?

    "the lab needs network namespaces, veth, a bridge and the tbf queue: not allowed or not in this kernel"
  end

  def self.shaping?(kind)
    try = "ip link add l1 type veth peer name l2 && tc qdisc add dev l1 root tbf rate 1mbit burst 5k limit 64k"
    system(*Hosts::World.unshare(kind), "sh", "-c", try, out: File::NULL, err: File::NULL)
  end

  # One of the lab's own C programs, compiled when it is missing or older.
  def self.tool(name)
    source = File.join(SOURCES, "#{name}.c")
    program = File.join(TOOLS, name)
    return program if File.exist?(program) && File.mtime(program) >= File.mtime(source)

    FileUtils.mkdir_p(TOOLS)
    fresh = "#{program}.#{Process.pid}"
    Hosts::Shell.run!(ENV.fetch("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra",
                      "-o", fresh, source)
    File.rename(fresh, program)
    program
  end

  def self.now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end
end

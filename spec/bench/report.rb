# frozen_string_literal: true

require "etc"

# doc/PERFORMANCE.md: each benchmark replaces its own section of it and leaves
# the rest alone.
module Report
  FILE = File.expand_path("../../doc/PERFORMANCE.md", __dir__)
  HEAD = "# Performance\n\nMeasured figures only. Each section is written by the command it names.\n"

  module_function

  def median(values)
    sorted = values.sort
    (sorted[(sorted.size - 1) / 2] + sorted[sorted.size / 2]) / 2.0
  end

  # "1.23 (1.20 to 1.40)"
  def spread(values, digits = 2)
    middle, low, high = [median(values), *values.minmax].map { |value| format("%.*f", digits, value) }
    "#{middle} (#{low} to #{high})"
  end

  # @param heads [Array<String>]
  # @param rows [Array<Array>]
  def table(heads, rows)
    [heads, heads.map { "---" }, *rows].map { |row| "| #{row.join(" | ")} |\n" }.join
  end

  # What was run where.
  def conditions(command)
    cpu = File.read("/proc/cpuinfo")[/model name\s*:\s*(.*)/, 1]
    "Command: `#{command}`, #{Time.now.utc.strftime("%Y-%m-%d")}. #{Etc.nprocessors} CPUs (#{cpu}), " \
      "Linux #{Etc.uname[:release]}, load average at the end #{File.read("/proc/loadavg").split.first}."
  end

  # Replaces the section of this name, or appends it.
  def write(name, title, text)
    from = "<!-- begin #{name} -->"
    to = "<!-- end #{name} -->"
    section = "#{from}\n## #{title}\n\n#{text.strip}\n#{to}"
    old = File.exist?(FILE) ? File.read(FILE) : HEAD
    place = /#{Regexp.escape(from)}.*#{Regexp.escape(to)}/m
    File.write(FILE, old.match?(place) ? old.sub(place) { section } : "#{old.chomp}\n\n#{section}\n")
  end
end

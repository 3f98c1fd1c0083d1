# frozen_string_literal: true

require_relative "../spec/lab/settings"

desc "Swarms in network namespaces: rake lab HOSTS=32 RATE=20mbit SIZE=64MiB RUNS=3 (rake lab:help for all)"
task lab: :compile do
  require_relative "../spec/lab/command"
  status = Lab::Command.new(ENV.to_h).run
  exit status unless status.zero?
end

namespace :lab do
  desc "List the settings of rake lab"
  task(:help) { puts Lab::Settings.help }
end

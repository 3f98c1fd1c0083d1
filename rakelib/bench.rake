# frozen_string_literal: true

desc "Measure our client beside others on loopback, into doc/PERFORMANCE.md (settings: spec/bench/loopback.rb)"
task bench: :compile do
  ruby "spec/bench/loopback.rb"
end

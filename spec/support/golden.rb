# frozen_string_literal: true

# Compares a text with spec/golden/NAME.txt. MURDER_GOLDEN=write writes the
# file instead; read the difference before you commit it.
RSpec::Matchers.define :match_golden do |name|
  path = File.expand_path("../golden/#{name}.txt", __dir__)

  match do |text|
    File.write(path, text) if ENV["MURDER_GOLDEN"] == "write"
    @expected = File.exist?(path) ? File.read(path) : ""
    text == @expected
  end

  diffable
  attr_reader :expected

  failure_message { |_| "differs from spec/golden/#{name}.txt" }
end

# frozen_string_literal: true

$LOAD_PATH.unshift File.expand_path("../lib", __dir__)

require_relative "support/golden"

RSpec.configure do |config|
  config.disable_monkey_patching!
  config.order = :random
  # What needs the compiled programs or real hosts; bin/test runs it by itself.
  config.define_derived_metadata(file_path: %r{/spec/e2e/}) { |metadata| metadata[:e2e] = true }
  config.expect_with(:rspec) { |expect| expect.max_formatted_output_length = nil }
  config.mock_with(:rspec) { |mocks| mocks.verify_partial_doubles = true }
end

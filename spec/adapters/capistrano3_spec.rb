# frozen_string_literal: true

require "tmpdir"
require_relative "../support/recorded_capistrano3"
require_relative "shared_examples"

RSpec.describe "Capistrano 3", skip: RecordedCapistrano3::MISSING do
  include_context "with Capistrano 3"

  let(:racked) do
    <<~RUBY
      set :remote_murder_path, "/opt/murder"
      %w[h1 h2].each { |name| server name, roles: %w[peer], rack: "a" }
      server "h3", roles: %w[peer], rack: 'b$(c)'
      server "h4", roles: %w[peer]
      server "h1", roles: %w[peer seeder tracker]
    RUBY
  end

  let(:standalone) do
    <<~RUBY
      set :remote_murder_path, "/opt/murder"
      role :peer, %w[h1 h2 h3]
      role :seeder, "h1"
      role :tracker, "h1"
    RUBY
  end

  it_behaves_like "murder on Capistrano"
end

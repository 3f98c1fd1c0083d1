# frozen_string_literal: true

module Hosts
  # Hosts could not be made, or a command on one failed.
  class Error < StandardError; end
end

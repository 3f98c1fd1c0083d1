# frozen_string_literal: true

module Murder
  # The version of the gem and of the three programs.
  VERSION = "1.0.0.pre"
end

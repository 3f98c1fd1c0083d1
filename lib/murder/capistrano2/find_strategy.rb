# frozen_string_literal: true

module Capistrano
  module Deploy
    # Capistrano looks for a strategy's constant first and then for its file,
    # so `set :deploy_via, :murder` would find ::Murder.
    module Strategy
      autoload :Murder, File.expand_path("../../capistrano/recipes/deploy/strategy/murder", __dir__)
    end
  end
end

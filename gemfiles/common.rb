# frozen_string_literal: true

# What every bundle shares: the gem itself and the tools that check it.
source "https://rubygems.org"
gemspec path: ".."

gem "rake", "~> 13.0"
gem "rspec", "~> 3.12"
gem "rubocop", "~> 1.60", require: false

# Ed25519 keys and modern host keys for net-ssh.
gem "bcrypt_pbkdf", "~> 1.1"
gem "ed25519", "~> 1.2"

# frozen_string_literal: true

require_relative "support/reference"

# Messages that are made of several parts, or not ours.
ELSEWHERE = ["murder_client: not found: run cap murder:distribute_files first",
             "EVP_PKEY_sign: missing private key"].freeze

RSpec.describe "the documentation" do
  root = File.expand_path("..", __dir__)
  documents = Dir.glob(%w[*.md doc/*.md doc/examples/*], base: root).select do |name|
    File.file?("#{root}/#{name}")
  end.sort

  def tasks_named(text)
    text.scan(/murder:([a-z_]+)\b/).flatten.uniq
  end

  describe "README.md" do
    let(:readme) { Reference.read(Reference::README) }

    Reference.sections.each do |name, table|
      it "has the #{name} as the tables have them (else: rake reference)" do
        expect(readme[/<!-- #{name} -->\n(.*?)<!-- end -->/m, 1]).to eq(table)
      end
    end

    it "documents every role there is" do
      expect(Reference::ROLES.keys).to match_array(Murder::Hosts::ROLES)
    end

    it "troubleshoots messages that exist" do
      sources = Dir["#{root}/{lib/**/*.rb,ext/murder/{,core/,io/}*.[ch]}"].map { |file| Reference.read(file) }.join
      said = readme[/## Troubleshooting.*?\n## /m].scan(/^\| `([^|]+)` \|/).flatten.flat_map do |cell|
        cell.split("`, `")
      end
      unknown = (said - ELSEWHERE).reject { |text| sources.include?(text.split("…").max_by(&:size).strip) }
      expect(unknown).to be_empty
    end

    it "has a quick start of at most five lines for each Capistrano, as in the examples", :aggregate_failures do
      three, two = readme[/## Quick start.*?\n## /m].scan(/```ruby\n(.*?)```/m).flatten
      expect([three.lines.size, two.lines.size]).to eq([2, 5])
      expect(three).to eq(Reference.read("#{root}/doc/examples/Capfile.3").lines.grep(/murder/i).grep_v(/#/).join)
      expect(two).to eq(Reference.read("#{root}/doc/examples/Capfile").lines.grep(/murder/).grep_v(/#/).join)
    end
  end

  documents.each do |name|
    describe name do
      let(:text) { Reference.read("#{root}/#{name}") }

      it "names tasks that exist" do
        known = Murder::Tasks::ALL.map(&:name) + Murder::Tasks::DEPLOY.keys
        expect(tasks_named(text) - known).to be_empty
      end

      it "names files that exist" do
        links = text.scan(/\]\(([^)#:]+)(?:#[^)]*)?\)/).flatten.map { |link| File.join(File.dirname(name), link) }
        paths = text.scan(%r{`((?:lib|ext|doc|spec|man|bin|rakelib|exe)/[A-Za-z0-9_./-]+)`}).flatten
        missing = (links + paths).uniq.reject { |path| known?(root, path) }
        expect(missing).to be_empty
      end

      it "has headings for the places it links to" do
        headings = text.scan(/^#+ (.*)$/).flatten.map { |line| line.downcase.gsub(/[^a-z0-9 _-]/, "").tr(" ", "-") }
        expect(text.scan(/\]\(#([^)]+)\)/).flatten - headings).to be_empty
      end
    end
  end

  # Whether it is there, or .gitignore knows it as something a build makes.
  def known?(root, path)
    File.exist?(File.join(root, path)) || system("git", "-C", root, "check-ignore", "-q", path, err: File::NULL)
  end
end

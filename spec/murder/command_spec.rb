# frozen_string_literal: true

require "murder/command"
require "open3"
require "shellwords"

RSpec.describe Murder::Command do
  def printed(*words, env: {})
    script = described_class.new("printf", "%s\\n", *words).to_s
    out, status = Open3.capture2(env, "sh", "-c", script)
    expect(status).to be_success
    as_utf8(out).lines(chomp: true)
  end

  # Ruby takes it for what the locale says; a fresh Debian has none.
  def as_utf8(text)
    text.force_encoding(Encoding::UTF_8)
  end

  nasty = ["", " ", "a b", "it's", "\"q\"", "$HOME", "`id`", "$(id)", "a;b", "a&b", "*", "?", "[a]", "\\", "\\'", "#x",
           "!", "{a,b}", "~", "~root", "-n", "--", "a=b", "%s", "<x", ">y", "|", "(", "é", "x ", " x", "''", "'"]

  it "leaves plain words as they are" do
    expect(described_class.new("a", "--b=c", "/d/e-f_g.h:1,2@%").to_s).to eq("a --b=c /d/e-f_g.h:1,2@%")
  end

  nasty.each do |word|
    it "brings #{word.inspect} to the program unchanged" do
      expect(printed(word)).to eq([word])
    end

    it "brings #{word.inspect} unchanged through the shell that Capistrano puts around it" do
      inner = described_class.new("printf", "%s\\n", word).to_s
      out, = Open3.capture2("sh", "-c", "sh -c '#{inner.gsub("'", "'\\\\''")}'")
      expect(as_utf8(out)).to eq("#{word}\n")
    end
  end

  it "brings random words to the program unchanged" do
    seed = Random.new_seed
    random = Random.new(seed)
    words = Array.new(200) { Array.new(random.rand(1..12)) { random.rand(32..126).chr }.join }
    expect(printed(*words)).to eq(words), "seed #{seed}"
    expect(Shellwords.split(described_class.new(*words).to_s)).to eq(words), "seed #{seed}"
  end

  it "lets a path's leading ~/ expand and nothing else" do
    path = described_class.path("~/a b/$(id)/~/*")
    expect(printed(path, env: { "HOME" => "/h o" })).to eq(["/h o/a b/$(id)/~/*"])
  end

  it "lets ~ and ~user expand in paths only" do
    expect(printed(described_class.path("~"), described_class.path("~root/x"), "~/x", env: { "HOME" => "/h" }))
      .to eq(["/h", "#{Dir.home("root")}/x", "~/x"])
  end

  it "does not take ~ followed by something else for a home" do
    expect(described_class.new("x", described_class.path("~$(id)/a")).to_s).to eq("x './~$(id)/a'")
  end

  it "keeps a relative path from being an option" do
    expect(described_class.new("rm", described_class.path("-rf")).to_s).to eq("rm ./-rf")
  end

  it "quotes environment and redirections" do
    command = described_class.new("a", env: { "B" => "c d" }, redirect: { ">" => described_class.path("~/e f") })
    expect(command.to_s).to eq("B='c d' a > ~/'e f'")
  end

  it "gives a script its values as parameters, on one line" do
    command = described_class.script("echo \"$1\";\n  echo \"$2\"\n", "a'b", described_class.path("~/c"), name: "n")
    expect(command.to_s).to eq(%q(sh -c 'echo "$1"; echo "$2"' n 'a'\''b' ~/c))
  end

  it "is a value" do
    expect(described_class.new("a", "b")).to eq(described_class.new("a", "b"))
    expect(described_class.new("a", "b")).to be_frozen
    expect { described_class.new }.to raise_error(ArgumentError)
  end
end

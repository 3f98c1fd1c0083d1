# frozen_string_literal: true

require "murder/options"

RSpec.describe Murder::Options do
  def options(arguments = {}, variables: {}, forced: {}, needs: [])
    described_class.new(variables: ->(name) { variables[name] }, arguments: arguments.transform_keys(&:to_s),
                        forced: forced, needs: needs)
  end

  describe "precedence" do
    it "takes the argument when no default_* is set" do
      expect(options({ tag: "a" }, variables: { default_tag: "" }).tag).to eq("a")
    end

    it "lets a default_* that is set win over its argument" do
      given = { tag: "a", files_path: "/a", destination_path: "/a" }
      set = { default_tag: "b", default_seeder_files_path: "/b", default_destination_path: "/b" }
      chosen = options(given, variables: set)
      expect([chosen.tag, chosen.files_path, chosen.destination_path]).to eq(%w[b /b /b])
    end

    it "lets the argument temp_path win over default_temp_path, and both over /tmp" do
      expect(options.temp_path).to eq("/tmp")
      expect(options(variables: { default_temp_path: "/b" }).temp_path).to eq("/b")
      expect(options({ temp_path: "/a" }, variables: { default_temp_path: "/b" }).temp_path).to eq("/a")
    end

    it "lets what the strategy decides win over everything" do
      chosen = options({ tag: "a", no_tag_directory: "1" }, variables: { default_tag: "b" },
                                                            forced: { tag: "c", no_tag_directory: nil })
      expect(chosen.tag).to eq("c")
      expect(chosen).not_to be_no_tag_directory
    end
  end

  it "takes any word but no, 0, false, off and nothing for a yes" do
    expect(%w[1 yes true please].map { |word| options({ path_is_file: word }).path_is_file? }).to all be(true)
    expect(["", "0", "no", "No", "false", "off"].map { |word| options({ path_is_file: word }).path_is_file? })
      .to all be(false)
  end

  it "is frozen and keeps nothing of where the values came from" do
    expect(options).to be_frozen
    expect(options.instance_variables).not_to include(:@arguments, :@variables, :@forced)
  end

  it "names the files after the tag" do
    chosen = options({ tag: "v1", temp_path: "/t/" })
    expect([chosen.archive, chosen.torrent]).to eq(%w[/t/v1.tgz /t/v1.tgz.torrent])
  end

  it "puts the tag's directory into the destination unless told not to" do
    given = { tag: "v1", destination_path: "/srv/" }
    expect(options(given).destination).to eq("/srv/v1")
    expect(options(given.merge(no_tag_directory: "1")).destination).to eq("/srv/")
    expect(options(given.merge(path_is_file: "1")).destination).to eq("/srv/")
  end

  describe "what is missing" do
    { tag: "'tag' parameter", files_path: "'files_path' parameter", destination_path: "'destination_path' parameter",
      murder_path: "set :remote_murder_path" }.each do |name, text|
      it "names #{name}" do
        expect { options(needs: [name]) }.to raise_error(Murder::OptionError, /#{text}/)
      end
    end

    it "is silent about what the task does not need" do
      expect { options(needs: []) }.not_to raise_error
    end

    it "does not evaluate remote_murder_path for a task that does not need it" do
      asked = []
      described_class.new(variables: ->(name) { (asked << name) && nil })
      expect(asked).not_to include(:remote_murder_path)
    end
  end

  describe "what is refused, with the reason" do
    {
      { tag: "a/b" } => "Tag cannot contain a / character",
      { tag: ".." } => "cannot be a file's name",
      { tag: "a\nb" } => "control characters",
      { tag: "a " } => "begin or end with a space",
      { tag: "\xff" } => "not valid UTF-8",
      { tag: "x" * 201 } => "at most 200",
      { files_path: "/a\tb" } => "control characters",
      { destination_path: " /a" } => "begin or end with a space",
      { temp_path: "~bob/tmp" } => "another user's home"
    }.each do |given, text|
      it "refuses #{given.inspect[0, 60]}" do
        expect { options(given) }.to raise_error(Murder::OptionError, /#{text}/)
      end
    end

    it "accepts tags with spaces and quotes inside" do
      expect(options({ tag: "it's \"v 1\" $(x)" }).tag).to eq("it's \"v 1\" $(x)")
    end

    it "accepts UTF-8 also where the locale is C" do
      chosen = options({ tag: "caf\u00e9".dup.force_encoding(Encoding::US_ASCII) })
      expect(chosen.tag).to eq("caf\u00e9")
    end

    ["0", "65536", "http", "8998x", -1].each do |port|
      it "refuses tracker_port #{port.inspect}" do
        expect { options(variables: { tracker_port: port }) }.to raise_error(Murder::OptionError, /tracker_port/)
      end
    end

    it "accepts a port as text" do
      expect(options(variables: { tracker_port: "9000" }).tracker_port).to eq(9000)
    end

    %w(1.2.3.4:80 tracker:8998 [tracker]:80 : [1.2.3.4:80] [fd00::1 fe80::1%eth0 fd00::1/64).each do |host|
      it "refuses the tracker_host #{host}" do
        expect { options(variables: { tracker_host: host }) }.to raise_error(Murder::OptionError, /without a port/)
      end
    end

    ["10.0.0.5", "t.example", "fd00::1", "[fd00::1]"].each do |host|
      it "takes the tracker_host #{host}" do
        expect(options(variables: { tracker_host: host }).tracker_host).to eq(host)
      end
    end

    it "has murder_piece_length auto, or a power of two" do
      expect(options.piece_length).to eq("auto")
      expect(options(variables: { murder_piece_length: 65_536 }).piece_length).to eq("65536")
      [8192, 300_000, "64K", 1 << 25].each do |bytes|
        expect { options(variables: { murder_piece_length: bytes }) }
          .to raise_error(Murder::OptionError, /murder_piece_length is #{bytes}: it must be one of auto, 16384, /)
      end
    end

    it "refuses a tracker_host that is no host" do
      expect { options(variables: { tracker_host: "a b" }) }.to raise_error(Murder::OptionError, /tracker_host/)
    end

    ["/", "//", "/.", "~", "~/", "~/.", ".", "/srv/..", "~bob"].each do |path|
      it "refuses to empty #{path} as remote_murder_path" do
        expect { options(variables: { remote_murder_path: path }, needs: [:murder_path]) }
          .to raise_error(Murder::OptionError, /murder empties that directory/)
      end

      it "refuses to empty #{path} as destination" do
        given = { destination_path: path, unsafe_please_delete: "1", no_tag_directory: "1" }
        expect { options(given) }.to raise_error(Murder::OptionError, /murder empties that directory/)
        expect { options({ destination_path: path, tag: "v1", unsafe_please_delete: "1" }) }.not_to raise_error
      end
    end
  end
end

# frozen_string_literal: true

require_relative "../support/e2e"
require_relative "../support/recorded_capistrano3"

# The settings of Capistrano's git plugin, with the mirror on the seeder.
RSpec.describe "the seeder's git mirror with Capistrano 3", :e2e, skip: RecordedCapistrano3::MISSING do
  include_context "with hosts", 3

  attr_reader :source

  before do
    @source = repository
    @first = commit(source, { "small" => "1" })
    @second = commit(source, { "small" => "2" })
    publish(source)
  end

  def contents
    hosts.map { |host| host.sh!("cat /srv/app/current/small") }
  end

  it "takes a branch, a tag, a commit, and part of one" do
    host(1).sh!("git -C /srv/source.git tag v1 #{@first}; git -C /srv/source.git branch feature/x #{@first}")
    { "main" => "2", "v1" => "1", @first => "1", @second[0, 8] => "2", "feature/x" => "1", "main~1" => "1" }
      .each do |branch, content|
      expect(deployer3("/srv/source.git", "set :branch, #{branch.inspect}").cap("deploy")).to succeed
      expect(contents).to all(eq(content))
    end
  end

  it "is shallow with git_shallow_clone, and follows the branch" do
    cap = deployer3("file:///srv/source.git", "set :git_shallow_clone, 1")
    expect(cap.cap("deploy")).to succeed
    expect(contents).to all(eq("2"))
    expect(host(1).sh!("git -C /srv/app/repo rev-list --count main")).to eq("1\n")
    commit(source, { "small" => "3" })
    publish(source)
    expect(cap.cap("deploy")).to succeed
    expect(contents).to all(eq("3"))
    expect(host(1).sh!("git -C /srv/app/repo rev-list --count main")).to eq("1\n")
  end

  it "asks for a signature with git_verify_commit, and leaves nothing when there is none" do
    cap = deployer3("/srv/source.git", "set :git_verify_commit, true")
    expect(cap.cap("deploy"))
      .to fail_saying(/failed on #{addresses[0]}: the commit of "main" is not signed by a key that the seeder knows/)
    expect(hosts.flat_map { |host| Dir.children(host.path("/srv/app/releases")) }).to be_empty
    expect(left_running).to be_empty
    sign
    expect(cap.cap("deploy")).to succeed
    expect(contents).to all(eq("2"))
  end

  # Signs the last commit by an SSH key that the seeder knows.
  def sign
    key = fleet.keys.operator
    git = ["git", "-C", source, "-c", "user.name=Spec", "-c", "user.email=spec@example.org", "-c", "gpg.format=ssh"]
    Hosts::Shell.run!(*git, "-c", "user.signingkey=#{key}", "commit", "--quiet", "--amend", "--no-edit", "-S")
    File.write(host(1).path("~/signers"), "spec@example.org #{File.read("#{key}.pub")}")
    host(1).sh!("git config --global gpg.ssh.allowedSignersFile ~/signers")
    publish(source)
  end

  describe "over HTTP" do
    # Serves files to whoever knows the password.
    def server
      <<~PYTHON
        import base64, http.server, os
        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self):
                if self.headers.get("Authorization") == "Basic " + base64.b64encode(b"me:se:cr@et").decode():
                    return super().do_GET()
                self.send_response(401)
                self.send_header("WWW-Authenticate", "Basic realm=git")
                self.send_header("Content-Length", "0")
                self.end_headers()
        os.chdir("/srv")
        http.server.HTTPServer(("127.0.0.1", 8080), Handler).serve_forever()
      PYTHON
    end

    before do
      host(1).sh!("git -C /srv/source.git update-server-info; setsid python3 -c \"$1\" >/dev/null 2>&1 &", server)
      host(1).sh!("i=0; until ss -Hltn sport = :8080 | grep -q .; do sleep 0.1; i=$((i+1)); [ $i -lt 100 ]; done")
    end

    def web(password)
      deployer3("http://127.0.0.1:8080/source.git",
                "set :git_http_username, 'me'; set :git_http_password, #{password.inspect}")
    end

    it "uses git_http_username and git_http_password" do
      expect(web("se:cr@et").cap("deploy")).to succeed
      expect(contents).to all(eq("2"))
    end

    it "says that they are wrong, without the password, and does nothing" do
      result = web("wr:ong").cap("deploy")
      expect(result).to fail_saying(/failed on #{addresses[0]}: .*Authentication failed/)
      expect(result.text.lines.grep(/failed on/).join).not_to include("wr:ong", "wr%3Aong")
      expect(File.exist?(host(1).path("/srv/app"))).to be(false)
    end
  end
end

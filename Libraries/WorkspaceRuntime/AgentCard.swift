import JSONBytes

/// The A2A agent card: an agent's description of itself.
public struct AgentCard: Sendable, Hashable {
    /// One thing that an agent can do.
    public struct Skill: Sendable, Hashable {
        /// Unique within the card.
        public var id: String
        /// For people.
        public var name: String
        /// What it does, for people and for agents that choose a peer.
        public var description: String
        /// Words to find it by.
        public var tags: [String]

        /// - Parameters:
        ///   - id: unique within the card.
        ///   - name: for people.
        ///   - description: what it does.
        ///   - tags: words to find it by.
        public init(id: String, name: String, description: String, tags: [String] = []) {
            self.id = id
            self.name = name
            self.description = description
            self.tags = tags
        }
    }

    /// The display name.
    public var name: String
    /// The purpose, for people.
    public var description: String
    /// Its own version.
    public var version: String
    /// The agent's URL; set when the agent starts.
    public var url = ""
    /// What it can do.
    public var skills: [Skill]

    /// - Parameters:
    ///   - name: the display name.
    ///   - description: the purpose, for people.
    ///   - version: its own version.
    ///   - skills: what it can do.
    public init(name: String, description: String = "", version: String = "1.0.0", skills: [Skill] = []) {
        self.name = name
        self.description = description
        self.version = version
        self.skills = skills
    }

    /// The JSON of A2A 0.3.
    var json: [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("protocolVersion", "0.3.0")
            writer.member("name", name)
            writer.member("description", description)
            writer.member("version", version)
            writer.member("url", url)
            writer.member("preferredTransport", "JSONRPC")
            writer.member(
                "capabilities",
                object: { writer in
                    writer.member("streaming", true)
                    writer.member("pushNotifications", false)
                })
            writer.member("defaultInputModes", strings: ["text/plain"])
            writer.member("defaultOutputModes", strings: ["text/plain"])
            writer.member(
                "skills",
                array: { writer in
                    for skill in skills {
                        writer.object { writer in
                            writer.member("id", skill.id)
                            writer.member("name", skill.name)
                            writer.member("description", skill.description)
                            writer.member("tags", strings: skill.tags)
                        }
                    }
                })
        }
        return writer.bytes
    }
}

import Foundation

/// The 201 response to the creation of a workspace.
public struct CreateWorkspaceResponse: Codable, Hashable, Sendable {
    /// The workspace.
    public var id: UUID
    /// `provisioning`, `online` or `awaiting_agent`.
    public var status: WorkspaceStatus
    /// `workspace:<id>`.
    public var awarenessNamespace: String
    /// Its access to its folder on the host.
    public var workspaceAccess: WorkspaceAccess
    /// True for external workspaces, else left out.
    public var external: Bool?
    /// How to connect the agent of an external workspace without a URL.
    public var connection: ConnectionDetails?

    private enum CodingKeys: String, CodingKey {
        case id
        case status
        case awarenessNamespace = "awareness_namespace"
        case workspaceAccess = "workspace_access"
        case external
        case connection
    }

    /// Creates the value.
    public init(
        id: UUID, status: WorkspaceStatus, awarenessNamespace: String, workspaceAccess: WorkspaceAccess,
        external: Bool? = nil, connection: ConnectionDetails? = nil
    ) {
        self.id = id
        self.status = status
        self.awarenessNamespace = awarenessNamespace
        self.workspaceAccess = workspaceAccess
        self.external = external
        self.connection = connection
    }
}

/// What the agent of an external workspace needs to register.
public struct ConnectionDetails: Codable, Hashable, Sendable {
    /// The workspace.
    public var workspaceID: UUID
    /// The platform's base URL.
    public var platformURL: String
    /// The workspace's token, which is shown only once.
    public var authToken: String
    /// The URL for registering.
    public var registryEndpoint: String
    /// The URL for heartbeats.
    public var heartbeatEndpoint: String
    /// A `curl` command that registers the agent.
    public var curlRegisterTemplate: String
    /// A minimal agent in Python.
    public var pythonSnippet: String

    private enum CodingKeys: String, CodingKey {
        case workspaceID = "workspace_id"
        case platformURL = "platform_url"
        case authToken = "auth_token"
        case registryEndpoint = "registry_endpoint"
        case heartbeatEndpoint = "heartbeat_endpoint"
        case curlRegisterTemplate = "curl_register_template"
        case pythonSnippet = "python_snippet"
    }

    /// Creates the value.
    public init(
        workspaceID: UUID, platformURL: String, authToken: String, registryEndpoint: String,
        heartbeatEndpoint: String, curlRegisterTemplate: String, pythonSnippet: String
    ) {
        self.workspaceID = workspaceID
        self.platformURL = platformURL
        self.authToken = authToken
        self.registryEndpoint = registryEndpoint
        self.heartbeatEndpoint = heartbeatEndpoint
        self.curlRegisterTemplate = curlRegisterTemplate
        self.pythonSnippet = pythonSnippet
    }
}

/// The response to a PATCH of a workspace.
public struct UpdateWorkspaceResponse: Codable, Hashable, Sendable {
    /// Always `updated`.
    public var status: String
    /// True when the change takes effect only after a restart, else left out.
    public var needsRestart: Bool?

    private enum CodingKeys: String, CodingKey {
        case status
        case needsRestart = "needs_restart"
    }

    /// Creates the value.
    public init(status: String = "updated", needsRestart: Bool? = nil) {
        self.status = status
        self.needsRestart = needsRestart
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        status = try container.decodeIfPresent(String.self, forKey: .status) ?? "updated"
        needsRestart = try container.decodeIfPresent(Bool.self, forKey: .needsRestart)
    }
}

import Contracts
import Foundation

/// Everything that a backend needs to start a workspace.
package struct WorkspaceSpecification: Sendable {
    package var id: UUID
    /// Chooses the image, e.g. `langgraph`.
    package var runtime: String
    /// Chooses memory and CPU: 1 to 4. Lower and higher ones count as the nearest of these.
    package var tier: Int
    /// The agent's environment: `PLATFORM_URL`, the secrets. The backend adds `WORKSPACE_ID`, `CONFIGS_DIR`, `HOST` and
    /// `PORT`, which take precedence.
    package var environment: [String: String]
    /// The auth token; written to `.auth_token` of the config volume, readable for the agent's user alone.
    package var token: String
    /// Written to the config volume as well, replacing existing files.
    package var files: [ConfigurationFile]
    /// An absolute folder of the host.
    package var workspaceDirectory: String?
    /// The agent's access to that folder, which is mounted at `/workspace`.
    package var access: WorkspaceAccess

    package init(
        id: UUID, runtime: String, tier: Int = 3, environment: [String: String] = [:], token: String,
        files: [ConfigurationFile] = [], workspaceDirectory: String? = nil, access: WorkspaceAccess = .none
    ) {
        self.id = id
        self.runtime = runtime
        self.tier = tier
        self.environment = environment
        self.token = token
        self.files = files
        self.workspaceDirectory = workspaceDirectory
        self.access = access
    }
}

/// A file of a template, for the config volume.
package struct ConfigurationFile: Sendable, Hashable {
    /// Relative to the config volume's root, with `/` between folders.
    package let path: String
    package let bytes: [UInt8]

    package init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }
}

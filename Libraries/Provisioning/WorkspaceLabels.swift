/// How our containers and volumes are told from those of others.
struct WorkspaceLabels: Sendable {
    /// `PLATFORM_INSTANCE_ID`.
    let instance: String

    var all: [String: String] { [Self.managed: "true", Self.instanceName: instance] }

    func areIn(_ labels: [String: String]) -> Bool {
        labels[Self.managed] == "true" && labels[Self.instanceName] == instance
    }

    static let managed = "molecule.platform.managed"
    static let instanceName = "molecule.platform.instance"
}

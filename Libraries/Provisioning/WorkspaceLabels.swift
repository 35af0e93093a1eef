import JSONBytes

/// The labels that mark containers and volumes of this instance of the platform.
struct WorkspaceLabels: Sendable {
    /// `PLATFORM_INSTANCE_ID`.
    let instance: String

    var all: [String: String] { [Self.managed: "true", Self.instanceName: instance] }

    func areIn(_ labels: [String: String]) -> Bool {
        labels[Self.managed] == "true" && labels[Self.instanceName] == instance
    }

    static let managed = "molecule.platform.managed"
    static let instanceName = "molecule.platform.instance"

    /// As the member `Labels` of an object.
    func write(to writer: inout JSONWriter, as name: String = "Labels") {
        writer.key(name)
        writer.object { writer in
            for (label, value) in all.sorted(by: { $0.key < $1.key }) { writer.member(label, value) }
        }
    }
}

/// A folder below `TEMPLATES_DIR`: what a workspace made from it starts with.
package struct Template: Sendable, Hashable {
    /// The folder's name.
    package let name: String
    /// What its `config.yaml` says; empty when there is none, or none that can be read.
    package let configuration: TemplateConfiguration
}

/// What a template's `config.yaml` says, as far as the platform needs it. Invalid values are absent.
package struct TemplateConfiguration: Sendable, Hashable {
    package var runtime: String?
    /// The top-level `model`, else the one of `runtime_config`.
    package var model: String?
    package var maxConcurrentTasks: Int?
    /// How long a workspace of it may be `provisioning`.
    package var provisionTimeout: Duration?
    /// The schedules that a workspace made from it starts with.
    package var schedules: [TemplateSchedule]

    package init(
        runtime: String? = nil, model: String? = nil, maxConcurrentTasks: Int? = nil, provisionTimeout: Duration? = nil,
        schedules: [TemplateSchedule] = []
    ) {
        self.runtime = runtime
        self.model = model
        self.maxConcurrentTasks = maxConcurrentTasks
        self.provisionTimeout = provisionTimeout
        self.schedules = schedules
    }

    /// - Parameter warn: called for each ignored value with `field: reason`.
    init(_ yaml: YAMLValue, warn: (String) -> Void) {
        schedules = TemplateSchedule.list(yaml["schedules"], warn: warn)
        guard case .mapping = yaml else {
            if !yaml.isNull { warn("config.yaml: not a mapping") }
            return
        }
        let nested = yaml["runtime_config"]
        if let nested, !nested.isNull {
            if case .mapping = nested {} else { warn("runtime_config: not a mapping") }
        }
        runtime = Self.text(yaml["runtime"], "runtime", warn)
        model =
            Self.text(yaml["model"], "model", warn) ?? Self.text(nested?["model"], "runtime_config.model", warn)
        maxConcurrentTasks = Self.positive(
            yaml["max_concurrent_tasks"], "max_concurrent_tasks", upTo: Int(Int32.max), warn)
        provisionTimeout = Self.positive(
            nested?["provision_timeout_seconds"], "runtime_config.provision_timeout_seconds", upTo: 7 * 86_400, warn
        ).map { .seconds($0) }
    }

    /// Null and the empty text count as absent.
    private static func text(_ value: YAMLValue?, _ name: String, _ warn: (String) -> Void) -> String? {
        guard let value, !value.isNull else { return nil }
        guard let text = value.string else {
            warn("\(name): not a text")
            return nil
        }
        // As long as the same field of a request may be.
        guard text.count <= 100, !text.contains(where: \.isNewline) else {
            warn("\(name): too long, or not one line")
            return nil
        }
        return text.isEmpty ? nil : text
    }

    private static func positive(
        _ value: YAMLValue?, _ name: String, upTo limit: Int, _ warn: (String) -> Void
    ) -> Int? {
        guard let value, !value.isNull else { return nil }
        guard let number = value.int, (1...limit).contains(number) else {
            warn("\(name): not a whole number from 1 to \(limit)")
            return nil
        }
        return number
    }
}

/// A file of a template.
package struct TemplateFile: Sendable, Hashable {
    /// Relative to the template's folder, with `/` between folders.
    package let path: String
    package let bytes: [UInt8]
}

/// Why a template's files cannot be read.
package enum TemplateError: Error, Sendable, Hashable, CustomStringConvertible {
    /// No such template inside the folder.
    case unknown
    case tooManyFiles(limit: Int)
    /// Bytes, of all files together.
    case tooLarge(limit: Int)
    /// - Parameter path: of the file that exists and cannot be read.
    case unreadable(path: String)

    package var description: String {
        switch self {
        case .unknown: "no such template"
        case .tooManyFiles(let limit): "more than \(limit) files"
        case .tooLarge(let limit): "more than \(limit) bytes"
        case .unreadable(let path): "\(path) cannot be read"
        }
    }
}

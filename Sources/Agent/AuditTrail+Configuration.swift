internal import AuditLog
internal import Policy

extension AuditTrail.Settings {
    /// What the agent's configuration says; where it names nothing at all, standard output has the events.
    init(_ configuration: AuditConfiguration) {
        self.init(file: configuration.file)
        standardOutput = configuration.standardOutput
        journal = configuration.journal
        syslog = configuration.syslog.map { address in
            switch address {
            case .unix(let path): .unix(path)
            case .udp(let host, let port): .udp(host, port)
            }
        }
        if file == nil, !journal, syslog == nil { standardOutput = true }
        log = LogComposer.Settings(
            rotationSize: configuration.rotationSize, rotationAge: configuration.rotationAge,
            sync: LogComposer.Sync(rawValue: configuration.sync.rawValue) ?? .seals)
        keep = configuration.keep
        buffer = configuration.buffer
    }
}

internal import Policy

/// What a layer that `swguard run` brought was made from, for the agent that comes next.
struct RunRecord {
    var boot = ""
    var layer: UInt32
    var owner: UInt32
    /// Of `policies`, as the client told it.
    var digest: String
    /// Which of its policies it is.
    var place: Int
    var policies: JSON

    init(layer: UInt32, owner: UInt32, digest: String, place: Int, policies: JSON) {
        self.layer = layer
        self.owner = owner
        self.digest = digest
        self.place = place
        self.policies = policies
    }

    var json: JSON {
        [
            "boot": .string(boot), "layer": .int(Int(layer)), "owner": .int(Int(owner)),
            "digest": .string(digest), "place": .int(place), "policies": policies,
        ]
    }

    init?(_ json: JSON) {
        guard let boot = json["boot"]?.stringValue,
            let layer = json["layer"]?.intValue.flatMap(UInt32.init(exactly:)),
            let owner = json["owner"]?.intValue.flatMap(UInt32.init(exactly:)),
            let digest = json["digest"]?.stringValue, let place = json["place"]?.intValue, place >= 0,
            let policies = json["policies"]
        else { return nil }
        self.init(layer: layer, owner: owner, digest: digest, place: place, policies: policies)
        self.boot = boot
    }
}

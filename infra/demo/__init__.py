"""The main job end to end in accelerated time, with a provider of its own."""

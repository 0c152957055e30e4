"""The words that generated container names are made of: `adjective_noun`. Imports nothing."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Weather, light and temper.
ADJECTIVES = _words("""
    amber ancient arctic autumn bold brave bright brisk calm clear clever cosmic crimson curious daring dawn
    eager early fair fearless floating gentle glowing golden happy hidden humble icy jolly keen kind lively
    lucid lunar mellow merry misty modest noble patient placid polar proud quick quiet radiant rapid rising
    serene shining silent silver sleepy solar spry stellar still sunny swift tender tidal tranquil upbeat velvet
    vivid warm wandering wild wise witty zesty
""")

# What burns, turns, drifts or shines in the sky.
NOUNS = _words("""
    altair andromeda antares apogee arcturus asteroid atlas aurora bellatrix binary callisto canopus capella
    cassini ceres comet corona cosmos crater deneb dione eclipse equinox europa galaxy ganymede halley halo
    helios horizon hyperion io juno kepler leda luna lyra mars mercury meteor mimas mira moon nebula neptune
    nova oberon orbit orion parallax perigee phobos photon pleiades pluto polaris pulsar quasar rhea rigel
    saturn sirius solstice spica sun supernova tethys titan triton umbra uranus vega venus vesta zenith
""")

"""Digests of what the families of this suite draw: a change here changes every published result."""

# Of `sample(3, 0.7, PCG64(5))`.
DIGESTS = {
    "gridworld": "9ae88c92fd65ed4e",
    "random-mdp": "0a27adb5a138fd28",
    "windy-cliff": "e8c86bb525fd70c3",
    "opposed-pair": "f49e844cf69757a7",
    "frozen-lake": "9e13cbd765a86461",
    "cliff-walking": "d5119dd89505393d",
    "taxi": "3c023c35ae48f32f",
    "cartpole": "004293a8b6168231",
    "linear-quadratic": "88e62a2ba4cb050e",
    "acrobot": "28466a41fb41cd6f",
    "pendulum": "7fdcd2a63bfa336e",
    "mountain-car": "cb274a2741867c85",
    "halfcheetah": "b85c3ae484ffd9e0",
    "hopper": "d0718046b40a24af",  # the same knobs
    "walker2d": "d0718046b40a24af",
    "gymnasium": "22d23eafa329d4ba",
}

"""Facts about the data sets: class names, files and their checksums. Reading them is in ``_readers.py``."""

DIGITS = [str(digit) for digit in range(10)]
FASHION = ["T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]
CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
GTSRB = (
    "speed limit 20;speed limit 30;speed limit 50;speed limit 60;speed limit 70;speed limit 80;end of speed limit 80;"
    "speed limit 100;speed limit 120;no overtaking;no overtaking by lorries;priority at next crossing;priority road;"
    "give way;stop;no vehicles;no lorries;no entry;general danger;bend left;bend right;double bend;uneven road;"
    "slippery road;road narrows;road works;traffic signals;pedestrians;children;cyclists;ice or snow;wild animals;"
    "end of restrictions;turn right;turn left;straight ahead;straight or right;straight or left;keep right;keep left;"
    "roundabout;end of no overtaking;end of no overtaking by lorries"
).split(";")
CUES = ("airplane bear bicycle bird boat bottle car cat chair clock dog elephant keyboard knife oven truck").split()

# Photographs bundled with scikit-image, with the ImageNet class of what each shows.
PHOTOS = {"chelsea.png": 281, "coffee.png": 967, "rocket.jpg": 657, "motorcycle_left.png": 670}

# Files of each (set, split), in reading order, with the md5 of every accepted version: the published
# one, and for CIFAR-10 also pickles rebuilt from the images (111 of which are not exact).
FILES = {
    ("mnist", "train"): {
        "MNIST/raw/train-images-idx3-ubyte": ["6bbc9ace898e44ae57da46a324031adb"],
        "MNIST/raw/train-labels-idx1-ubyte": ["a25bea736e30d166cdddb491f175f624"],
    },
    ("mnist", "test"): {
        "MNIST/raw/t10k-images-idx3-ubyte": ["2646ac647ad5339dbf082846283269ea"],
        "MNIST/raw/t10k-labels-idx1-ubyte": ["27ae3e4e09519cfbb04c329615203637"],
    },
    ("fashion-mnist", "train"): {
        "FashionMNIST/raw/train-images-idx3-ubyte": ["f4a8712d7a061bf5bd6d2ca38dc4d50a"],
        "FashionMNIST/raw/train-labels-idx1-ubyte": ["9018921c3c673c538a1fc5bad174d6f9"],
    },
    ("fashion-mnist", "test"): {
        "FashionMNIST/raw/t10k-images-idx3-ubyte": ["8181f5470baa50b63fa0f6fddb340f0a"],
        "FashionMNIST/raw/t10k-labels-idx1-ubyte": ["15d484375f8d13e6eb1aabb0c3f46965"],
    },
    ("cifar10", "train"): {
        "cifar-10-batches-py/data_batch_1": ["c99cafc152244af753f735de768cd75f", "6c7e4a56de3958364e076d443bf55341"],
        "cifar-10-batches-py/data_batch_2": ["d4bba439e000b95fd0a9bffe97cbabec", "6951adb2f323a7effffadd010e8c778e"],
        "cifar-10-batches-py/data_batch_3": ["54ebc095f3ab1f0389bbae665268c751", "7411f779dd58b325df6198e6deca57b7"],
        "cifar-10-batches-py/data_batch_4": ["634d18415352ddfa80567beed471001a", "41c5381f1fd15d30107d61c04bf13782"],
        "cifar-10-batches-py/data_batch_5": ["482c414d41f54cd18b22e5b47cb7c3cb", "dc6fcb7ab012147addde8319ce0232b4"],
    },
    ("cifar10", "test"): {
        "cifar-10-batches-py/test_batch": ["40351d587109b95175f43aff81a1287e", "d175f39e0cc7930ee3b236897aeeee9f"],
    },
}

# What shows that the split of a set without checksums lies in a folder.
PARTS = {
    ("gtsrb", "train"): ["gtsrb32.npz", "gtsrb/GTSRB/Training"],
    ("gtsrb", "test"): ["gtsrb32.npz", "gtsrb/GTSRB/Final_Test"],
    ("imagenet-samples", "test"): ["imagenet/photos/[0-9][0-9][0-9]_*.jpg"],
    ("cue-conflict", "test"): ["cue_conflict/[a-z]*[0-9]-[a-z]*[0-9].jpg"],
}

# Frames in the training archive that torchvision unpacks, and in the larger one of the benchmark's final round.
GTSRB_FRAMES = (26_640, 39_209)
# The least that counts as whole, where what is published is larger and anybody's choice of it will do.
SAMPLES = 155
EACH_CUE = 10

# Folders that torchvision takes for whole because they exist.
UNPACKED = {("gtsrb", "train"): ["gtsrb/GTSRB/Training"], ("gtsrb", "test"): ["gtsrb/GTSRB/Final_Test/Images"]}

# Torchvision's dataset class that downloads and unpacks each set.
DOWNLOADERS = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "cifar10": "CIFAR10", "gtsrb": "GTSRB"}

"""What the synthetic readers read: texts of our own, about 12 s each when spoken."""

from __future__ import annotations

TEXTS = (
    "The morning train was late again, so we walked along the river and talked about the summer"
    " that we had spent by the sea. Nobody wanted to go back to the office before the rain"
    " stopped.",
    "My neighbour keeps seven chickens behind her house. Every evening she counts them twice,"
    " closes the small wooden door, and leaves a lamp burning in the kitchen window until"
    " midnight.",
    "If you boil the potatoes first, the soup will be ready much sooner. Add a little salt,"
    " some pepper, two spoons of cream, and do not forget the parsley that is drying on the"
    " shelf.",
    "The museum opens at ten, but the queue starts at nine. We brought coffee and a newspaper,"
    " sat on the steps in the sun, and guessed which of the visitors were painters themselves.",
    "A long bridge of stone crosses the valley here. In winter the wind is so strong that"
    " lorries have to wait, and their drivers gather in the cafe below to play cards and tell"
    " old stories.",
    "Our teacher used to say that a good question is worth more than ten quick answers. It took"
    " me twenty years to understand him, and by then the school had become a library.",
    "Please put the blue boxes on the left and the green ones on the right. The heavy parcels"
    " stay near the door, because somebody from the garage will come to fetch them this"
    " afternoon.",
    "On the island there is only one road, and it ends at the lighthouse. From the top you can"
    " see the ferries, the fishing boats, and on clear days the white mountains of the mainland.",
    "She had never liked the piano, yet she practised every day. Years later, when the power"
    " failed during a storm, she played in the dark for hours and everyone forgot to be afraid.",
    "The recipe asks for fresh plums, but frozen fruit works just as well. Bake the cake"
    " slowly, let it cool on the balcony, and hide it from the children until the guests have"
    " arrived.",
    "Before the market closes, farmers lower their prices. That is the hour when students"
    " appear with empty bags, bargain over the last tomatoes, and carry home more than they can"
    " eat.",
    "We found the old map under the floor of the attic. It showed a path through the forest"
    " that nobody had used since the war, and at its end a cross in faded red ink.",
    "The doctor listened for a long time without saying anything. Then she smiled, opened the"
    " window, and told him that a walk every morning would do more good than any of her pills.",
    "Engines like this one were built to last a hundred years. Clean the valves in spring,"
    " change the oil before autumn, and never let anyone tell you that it is only a machine.",
    "Last night the orchestra rehearsed with the doors open. People stopped on the pavement"
    " with their shopping bags, and for a quarter of an hour the whole street stood still.",
    "There are three ways to reach the cabin. The first is steep, the second is wet, and the"
    " third is so long that you should carry bread, cheese, and a dry pair of socks.",
    "When the factory closed, the town bought its tall brick chimney. Storks nest there now,"
    " and the mayor sends a card to every school on the day when the first young birds fly.",
    "He repaired clocks in a room without a clock. Time, he explained, was something for"
    " customers, and he preferred to know the hour by the colour of the light on the opposite"
    " wall.",
    "The children built a boat from two doors and a ladder. It floated for almost a minute,"
    " which was long enough for a photograph and for the dog to jump aboard and sink it.",
    "In the desert the nights are cold and astonishingly loud. Beetles scratch over the sand,"
    " foxes call to each other, and the tent sings softly whenever the wind comes round the"
    " hill.",
    "Every letter he wrote began with the weather. Only in the last lines did he mention the"
    " harvest, his broken leg, or the fact that he had married the baker's eldest daughter.",
    "You can borrow the ladder, but bring it back before Friday. On Friday my brother paints"
    " the ceiling of the hall, and without a ladder he would have to stand on the kitchen table.",
    "A flock of geese crossed the motorway this morning. The police waited, the drivers got"
    " out, and a lady in a red coat handed sandwiches from car to car until the road was free.",
    "The river changes its bed every few years. Fields become islands, islands become beaches,"
    " and the lawyers of the two villages have argued about the border for three centuries.",
)

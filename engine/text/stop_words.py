"""Words left out of questions, never of passages: question words and function words.

The lists are short, of words that tell nothing in nearly every question. In a language without a
list, BM25 gives frequent words little weight.
"""

STOP_WORDS = {
    "ar": "في من على إلى عن مع هو هي هم ما ماذا متى أين كيف كم لماذا أي هل التي الذي الذين كان "
    "كانت و أو أن إن هذا هذه ذلك لا قد",
    "de": "der die das den dem des ein eine einer eines einem einen und oder in im an am auf von "
    "vom zu zum zur mit für bei aus nach ist sind war waren wurde wurden wird hat haben hatte wer "
    "wen wem wessen was welche welcher welches welchen welchem wann wo warum wieso wie es er sie",
    # Not "does": its term, "doe", is a name and an animal.
    "en": "a an the of in on at to for by with from and or is are was were be been do did has have "
    "had what which who whom whose when where why how that this it as",
    "es": "el la los las un una unos unas lo de del en y o a al con por para su sus se es son era "
    "eran fue fueron ser ha han había qué quién quiénes cuál cuáles cómo cuándo dónde cuánto "
    "cuánta cuántos cuántas que como no",
    "fr": "le la les l un une des de du d en dans et ou à au aux avec par pour sur son sa ses se s "
    "est sont était étaient fut a ont avait qui que qu quoi quel quelle quels quelles comment "
    "quand où combien pourquoi il elle ils elles ce cette ces ne pas n c",
    "it": "il lo la i gli le l un una uno di del della dei delle dello in nel nella e o a al alla "
    "con per da dal dalla su sul sulla si è sono era erano fu ha hanno aveva chi che cosa quale "
    "quali qual come quando dove quanto quanta quanti quante perché non",
    "nl": "de het een van in op aan en of te tot voor met door bij uit is zijn was waren werd "
    "werden wordt heeft hebben had wie wat welke welk wanneer waar waarom hoe dat dit die er niet",
    "pt": "o a os as um uma uns umas de do da dos das em no na nos nas e ou ao à aos às com por "
    "pelo pela para seu sua se é são era eram foi foram ser tem têm tinha que quê quem qual quais "
    "como quando onde quanto quanta quantos quantas não",
    "ru": "и в во на с со по к ко из у о об от до за для не что кто какой какая какое какие каком "
    "какую каких как где когда сколько почему чего кого чем это был была было были быть есть его "
    "ее их он она они а но или",
    "vi": "là của và ở trong các những một cái gì nào ai đâu khi bao nhiêu được có cho với từ đã "
    "như thế không vào tại",
}

"""Texts that nobody meant to write, for tests and for `benchmarks/speed/hostile_text.py`."""

LANGUAGES = [
    "Spil fodbold med vennerne", "Fußball mit Freunden spielen", "Παίξτε ποδόσφαιρο με φίλους",
    "Play football with friends", "Juega al fútbol con amigos", "Mängi sõpradega jalgpalli",
    "با دوستان فوتبال بازی کنید", "Pelaa jalkapalloa ystävien kanssa",
    "Jouez au football entre amis", "Imir peil le cairde", "Xoga ao fútbol con amigos",
    "મિત્રો સાથે ફૂટબોલ રમો", "שחקו כדורגל עם חברים", "दोस्तों के साथ फुटबॉल खेलें",
    "Igraj nogomet s prijateljima", "Futballozz a barátokkal", "Խաղացեք ֆուտբոլ ընկերների հետ",
    "Main sepak bola bersama teman", "Spila fótbolta með vinum", "Gioca a calcio con gli amici",
    "友達とサッカーをしよう", "ითამაშე ფეხბურთი მეგობრებთან", "Достармен футбол ойнаңыз",
    "លេងបាល់ទាត់ជាមួយមិត្តភក្តិ", "친구와 축구하기", "ຫຼິ້ນບານເຕະກັບໝູ່", "Žaisk futbolą su draugais",
    "Spēlē futbolu ar draugiem", "Играј фудбал со пријатели", "കൂട്ടുകാരോടൊപ്പം ഫുട്ബോൾ",
    "मित्रांसोबत फुटबॉल खेळा", "သူငယ်ချင်းများနှင့် ဘောလုံးကစားပါ", "Voetbal met vrienden",
    "ਦੋਸਤਾਂ ਨਾਲ ਫੁੱਟਬਾਲ", "Graj w piłkę ze znajomymi", "Jogue futebol com amigos",
    "Joacă fotbal cu prietenii", "Играйте в футбол с друзьями", "මිතුරන් සමඟ පාපන්දු",
    "நண்பர்களுடன் கால்பந்து", "เล่นฟุตบอลกับเพื่อน", "Arkadaşlarla futbol", "دوستوں کے ساتھ فٹ بال",
    "Chơi bóng đá với bạn bè", "和朋友一起踢足球", "ቤተሰብ ጋር እግር ኳስ",
]  # fmt: skip
STRANGE = {
    "nothing but blanks": " \t\n\u00a0\u3000",
    "zero-width": "foot\u200bball\u200d\ufeff match\u2060",
    "bidirectional": "\u202egnp.exe\u202c football \u2066club\u2069",
    "emoji": "⚽🏆👩‍👩‍👧‍👦🇪🇺👍🏽" * 20,
    "half of a pair": "football \ud800 club \udfff",
    "homoglyphs": "fооtbаll сlub",  # Cyrillic letters among Latin ones
    "digits": "0123456789" * 50,
    "one character": "a",
    "combining": "e" + "\u0301" * 500,
    "controls": "foot\x00ball\x07\x1b[31m club\x7f",
    "no spaces": "football" * 4000,
    "only spaces between": " ".join("abcdefgh") * 800,
    "special tokens": "[CLS] football [SEP] [MASK] <s> </s> <|endoftext|> [PAD]",
    "markup": "<img src=x onerror=alert(1)>{{7*7}}${7*7}%s%n",
    "private use": "\ue000\uf8ff\U000fffff",
}

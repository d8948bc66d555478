//! Whether a short answer says "stop".
//!
//! The whole answer must be a known way of saying it; a "stop" inside a sentence may mean anything
//! ("stop by tomorrow") and goes to a person, as does every "no". Suppressing somebody who only
//! said no to an offer costs a client; writing to somebody who said stop costs more, so what is in
//! doubt is marked for the person and nothing is sent before he has looked.

/// What an answer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// No more messages: at once, without a person.
    Stop,
    /// Perhaps no more messages: a person decides.
    Unclear,
    /// Something else.
    Other,
}

/// Ways of saying it that leave no doubt, as [`plain`] writes them.
const STOP: &[&str] = &[
    // English; the first five are those that operators of text messages must obey in the US.
    "stop",
    "stopall",
    "unsubscribe",
    "cancel",
    "quit",
    "opt out",
    "optout",
    "opt-out",
    "unsubscribe me",
    "remove me",
    "stop all",
    "stop it",
    "stop messaging me",
    "stop writing",
    "stop texting me",
    "do not contact me",
    "dont contact me",
    "no more messages",
    // Russian.
    "стоп",
    "отписаться",
    "отписка",
    "отпишите",
    "отпишите меня",
    "отписать",
    "отписать меня",
    "отпишись",
    "хочу отписаться",
    "отказаться от рассылки",
    "отказ от рассылки",
    "отмена подписки",
    "отмените подписку",
    "не пишите",
    "не пишите мне",
    "не пишите мне больше",
    "больше не пишите",
    "больше не пишите мне",
    "не писать",
    "не присылайте",
    "не присылайте больше",
    "больше не присылайте",
    "не надо писать",
    "не беспокойте",
    "не беспокойте меня",
    "не беспокоить",
    "уберите из рассылки",
    "уберите меня из рассылки",
    "удалите из рассылки",
    "удалите меня из рассылки",
    "удалите мой номер",
    "прекратите",
    "прекратите рассылку",
    "прекратите писать",
    "перестаньте писать",
    "перестаньте мне писать",
    "отстаньте",
    "отвалите",
    "стоп рассылка",
    "стоп рассылке",
    // Kazakh.
    "тоқта",
    "тоқтат",
    "тоқтатыңыз",
    "тоқтату",
    "тоқтатыңдар",
    "жазбаңыз",
    "жазбаңыздар",
    "маған жазбаңыз",
    "енді жазбаңыз",
    "бас тарту",
    "жазылымнан бас тарту",
    "мазаламаңыз",
    "тохта",
    "токта",
    "токтат",
    "токтатыныз",
    "жазбаныз",
    // Ukrainian and Belarusian.
    "відписатися",
    "відпишіть",
    "відпишіть мене",
    "не пишіть",
    "не пишіть мені",
    "більше не пишіть",
    "адпісацца",
    "не пішыце",
    // Uzbek, Kyrgyz, Azerbaijani, Turkish.
    "toxta",
    "toxtating",
    "bekor qilish",
    "yozmang",
    "жазбагыла",
    "токтот",
    "токтотуңуз",
    "dayandir",
    "dur",
    "durdur",
    "iptal",
    "abonelikten çik",
    "yazmayin",
    "ret",
    // Armenian and Georgian.
    "կանգ",
    "դադարեցնել",
    "դադարեցրեք",
    "გაჩერდი",
    "შეწყვიტე",
    "გამოწერის გაუქმება",
    // German, French, Spanish, Portuguese, Italian, Polish.
    "stopp",
    "abmelden",
    "abbestellen",
    "austragen",
    "arret",
    "arrêt",
    "arrêter",
    "arrêtez",
    "désabonner",
    "désinscrire",
    "désinscription",
    "me désabonner",
    "alto",
    "baja",
    "darme de baja",
    "parar",
    "pare",
    "sair",
    "cancelar",
    "basta",
    "annulla",
    "disiscrivimi",
    "rezygnuję",
    "wypisz",
    "wypisz mnie",
    // Arabic, Hebrew, Chinese.
    "توقف",
    "إلغاء الاشتراك",
    "الغاء الاشتراك",
    "הסר",
    "הסירו אותי",
    "停止",
    "退订",
    "取消订阅",
];

/// Answers that say no to something: to the offer or to being written to, nobody can tell.
const UNCLEAR: &[&str] = &[
    "no",
    "nope",
    "no thanks",
    "no thank you",
    "not interested",
    "end",
    "enough",
    "leave me alone",
    "нет",
    "не надо",
    "не нужно",
    "нет спасибо",
    "спасибо не надо",
    "спасибо нет",
    "не интересно",
    "неинтересно",
    "не интересует",
    "хватит",
    "достаточно",
    "отмена",
    "отказ",
    "отказываюсь",
    "отстань",
    "спам",
    "это спам",
    "откуда у вас мой номер",
    "откуда мой номер",
    "кто это",
    "жоқ",
    "жок",
    "керек емес",
    "қажет емес",
    "жетер",
    "жеткілікті",
    "ні",
    "не треба",
    "не потрібно",
    "не цікаво",
    "досить",
    "не трэба",
    "не цікава",
    "yoq",
    "kerak emas",
    "kerek emas",
    "жок рахмат",
    "керек эмес",
    "yox",
    "hayir",
    "istemiyorum",
    "ոչ",
    "არა",
    "nein",
    "nein danke",
    "kein interesse",
    "non",
    "non merci",
    "nie",
    "no gracias",
    "não",
    "no grazie",
    "spam",
    "لا",
    "לא",
    "不",
    "不要",
];

/// Beginnings of words that make a longer answer worth a person's look.
const HINTS: &[&str] = &[
    "отпи",
    "рассылк",
    "не пиш",
    "не присыл",
    "не беспоко",
    "прекрат",
    "жалоб",
    "персональн",
    "unsub",
    "opt out",
    "opt-out",
    "remove me",
    "gdpr",
    "complain",
    "тоқта",
    "жазба",
    "відпи",
];

/// Whole words that do the same.
const HINT_WORDS: &[&str] = &["стоп", "спам", "stop", "spam"];

/// Longest answer, in characters, that is searched for [`HINTS`]: longer ones are letters, which a
/// person reads in any case.
const HINT_LIMIT: usize = 400;

/// What an answer asks for.
pub fn wish(answer: &str) -> Wish {
    // Nobody says stop in a thousand words; what is that long is not worth copying.
    if answer.len() > 16 * 1024 {
        return Wish::Other;
    }
    let plain = plain(answer);
    if STOP.contains(&plain.as_str()) {
        return Wish::Stop;
    }
    if UNCLEAR.contains(&plain.as_str()) || is_hint(&plain) {
        Wish::Unclear
    } else {
        Wish::Other
    }
}

fn is_hint(plain: &str) -> bool {
    let begins = |hint: &&str| {
        let mut places = plain.match_indices(*hint);
        places.any(|(at, _)| at == 0 || plain[..at].ends_with(' '))
    };
    let mut words = plain.split(' ');
    plain.chars().count() <= HINT_LIMIT
        && (words.any(|word| HINT_WORDS.contains(&word)) || HINTS.iter().any(begins))
}

/// The answer in small letters, with one space between its words and none of the marks, pictures
/// and thanks around them.
fn plain(answer: &str) -> String {
    let mut text = String::with_capacity(answer.len());
    for letter in answer.chars().flat_map(char::to_lowercase) {
        match letter {
            'ё' => text.push('е'),
            // A Turkish capital I does not say which of the two it was.
            'ı' => text.push('i'),
            // The dot that a Turkish capital İ leaves behind; invisible joiners and directions;
            // apostrophes, which everybody types in another way.
            '\u{307}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
            | '\u{ad}'
            | '\''
            | '’'
            | '‘'
            | 'ʻ'
            | 'ʼ'
            | '`' => {}
            letter if letter.is_alphanumeric() || letter == '-' => text.push(letter),
            // Marks that belong to the letter before them.
            letter if is_combining(letter) => text.push(letter),
            _ => text.push(' '),
        }
    }
    let words = text.split_whitespace();
    let words = words.map(|word| word.trim_matches('-'));
    let mut words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let polite = |word: &&str| ["please", "пожалуйста", "pls", "өтінемін", "bitte"].contains(word);
    while words.len() > 1 && words.last().is_some_and(polite) {
        words.pop();
    }
    while words.len() > 1 && words.first().is_some_and(polite) {
        words.remove(0);
    }
    words.join(" ")
}

/// Source: Unicode, the blocks of combining marks for Latin, Hebrew and Arabic.
fn is_combining(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_stop_is_a_stop_however_it_is_written() {
        for answer in [
            "STOP",
            "Stop.",
            " stop ",
            "СТОП",
            "Стоп!!!",
            "стоп 🙏",
            "\u{200f}стоп\n",
            "Отписаться",
            "отпишите меня, пожалуйста",
            "Пожалуйста, не пишите мне больше",
            "«СТОП»",
            "стоп\u{feff}",
            "НЕ  ПИШИТЕ",
            "Тоқтату",
            "тоқтатыңыз",
            "To‘xtating",
            "İPTAL",
            "Opt-out",
            "OPT OUT",
            "unsubscribe please",
            "Arrêt",
            "Відписатися",
            "退订",
            "הסר",
            "don't contact me",
        ] {
            assert_eq!(wish(answer), Wish::Stop, "{answer}");
        }
    }

    #[test]
    fn a_no_and_a_stop_inside_a_sentence_go_to_a_person() {
        for answer in [
            "нет",
            "Нет, спасибо",
            "не интересно",
            "No",
            "no thanks",
            "жоқ",
            "хватит",
            "Это спам!",
            "стоп, а когда доставка?",
            "Отпишите от новостей, но заказы присылайте",
            "Почему вы мне пишете? Не пишите сюда, пишите на почту",
            "Please stop by tomorrow stop",
            "unsubscribed yesterday, why again",
            "Откуда у вас мой номер?",
        ] {
            assert_eq!(wish(answer), Wish::Unclear, "{answer}");
        }
    }

    #[test]
    fn what_clients_write_about_orders_is_left_alone() {
        for answer in [
            "",
            " ",
            "Да",
            "Сколько стоит?",
            "Хочу заказать",
            "Можно завтра?",
            "👍",
            "автостоп",
            "Нужна стопка бумаги",
            "ok",
            "Позвоните мне",
            "nonstop",
            "stopwatch",
            "12",
            "Рахмет",
        ] {
            assert_eq!(wish(answer), Wish::Other, "{answer}");
        }
    }

    #[test]
    fn every_word_of_the_lists_is_written_as_it_is_compared() {
        for word in STOP.iter().chain(UNCLEAR) {
            assert_eq!(plain(word), *word);
        }
        for word in UNCLEAR {
            assert!(!STOP.contains(word), "{word} is on both lists");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(answer in "\\PC*") {
            let _ = wish(&answer);
        }

        #[test]
        fn case_and_spaces_around_do_not_matter(
            word in prop::sample::select(STOP.to_vec()),
            before in "[ \n\t!.]{0,4}",
            after in "[ \n\t!.]{0,4}",
        ) {
            prop_assert_eq!(wish(&format!("{before}{word}{after}")), Wish::Stop);
            prop_assert_eq!(wish(&format!("{before}{}{after}", word.to_uppercase())), Wish::Stop);
        }
    }
}

/** What the rows of a dataset are made of: common Japanese names and places. Lists of one row belong together by index. */
interface Names {
  written: readonly string[];
  furigana: readonly string[];
  latin: readonly string[];
}

const namesOf = (lines: string): Names => {
  const names = lines
    .trim()
    .split(/\s+/)
    .map(name => name.split('/'));
  const part = (index: number) => names.map(name => name[index] ?? '');
  return { written: part(0), furigana: part(1), latin: part(2) };
};

export const lastNames = namesOf(`
  佐藤/さとう/sato 鈴木/すずき/suzuki 高橋/たかはし/takahashi 田中/たなか/tanaka 伊藤/いとう/ito 渡辺/わたなべ/watanabe
  山本/やまもと/yamamoto 中村/なかむら/nakamura 小林/こばやし/kobayashi 加藤/かとう/kato 吉田/よしだ/yoshida
  山田/やまだ/yamada 佐々木/ささき/sasaki 山口/やまぐち/yamaguchi 松本/まつもと/matsumoto 井上/いのうえ/inoue
  木村/きむら/kimura 林/はやし/hayashi 斎藤/さいとう/saito 清水/しみず/shimizu 山崎/やまざき/yamazaki 森/もり/mori
  池田/いけだ/ikeda 橋本/はしもと/hashimoto 阿部/あべ/abe 石川/いしかわ/ishikawa 山下/やました/yamashita
  中島/なかじま/nakajima 石井/いしい/ishii 小川/おがわ/ogawa 前田/まえだ/maeda 岡田/おかだ/okada 長谷川/はせがわ/hasegawa
  藤田/ふじた/fujita 後藤/ごとう/goto 近藤/こんどう/kondo 村上/むらかみ/murakami 遠藤/えんどう/endo 青木/あおき/aoki
  坂本/さかもと/sakamoto 福田/ふくだ/fukuda 太田/おおた/ota 西村/にしむら/nishimura 藤井/ふじい/fujii 金子/かねこ/kaneko
  三浦/みうら/miura 竹内/たけうち/takeuchi 中川/なかがわ/nakagawa 原田/はらだ/harada 松田/まつだ/matsuda`);

/** The first half are women's, the second half men's. */
export const firstNames = namesOf(`
  陽菜/ひな/hina 結衣/ゆい/yui 葵/あおい/aoi 咲良/さくら/sakura 美咲/みさき/misaki 花子/はなこ/hanako 由美/ゆみ/yumi
  恵子/けいこ/keiko 真由美/まゆみ/mayumi 久美子/くみこ/kumiko 明美/あけみ/akemi 裕子/ゆうこ/yuko 千尋/ちひろ/chihiro
  愛/あい/ai 舞/まい/mai 彩/あや/aya 香織/かおり/kaori 直美/なおみ/naomi 智子/ともこ/tomoko 典子/のりこ/noriko
  蓮/れん/ren 陽翔/はると/haruto 湊/みなと/minato 樹/いつき/itsuki 大輔/だいすけ/daisuke 健太/けんた/kenta 翔太/しょうた/shota
  拓也/たくや/takuya 直樹/なおき/naoki 誠/まこと/makoto 浩/ひろし/hiroshi 隆/たかし/takashi 修/おさむ/osamu 剛/つよし/tsuyoshi
  和也/かずや/kazuya 哲也/てつや/tetsuya 亮/りょう/ryo 学/まなぶ/manabu 太郎/たろう/taro 一郎/いちろう/ichiro`);

/** Place, the first three digits of its postal codes, area code. */
const places = `
  札幌市中央区/060/011 仙台市青葉区/980/022 さいたま市大宮区/330/048 千葉市中央区/260/043 新宿区西新宿/160/03
  世田谷区三軒茶屋/154/03 横浜市西区/220/045 新潟市中央区/950/025 金沢市広坂/920/076 長野市南長野/380/026
  静岡市葵区/420/054 名古屋市中区/460/052 京都市下京区/600/075 大阪市北区/530/06 神戸市中央区/650/078 奈良市登大路町/630/0742
  岡山市北区/700/086 広島市中区/730/082 高松市番町/760/087 松山市一番町/790/089 福岡市博多区/812/092 熊本市中央区/860/096
  鹿児島市山下町/890/099 那覇市泉崎/900/098`
  .trim()
  .split(/\s+/)
  .map(place => place.split('/'));

export const towns = places.map(place => place[0] ?? '');
export const postalPrefixes = places.map(place => place[1] ?? '');
export const areaCodes = places.map(place => place[2] ?? '');

export const officeNames =
  'あおぞら ひまわり さくら つばさ みらい そよかぜ こもれび なないろ けやき すずらん ひなた わかば'.split(
    ' ',
  );
export const officeKinds = ['transition', 'type_a', 'type_b', 'daily_care'];
export const officeKindNames = [
  '就労移行支援事業所',
  '就労継続支援A型',
  '就労継続支援B型',
  '生活介護センター',
];

export const jobTitles = '生活支援員 職業指導員 就労支援員 サービス管理責任者 世話人 看護師'.split(' ');
export const qualifications = '社会福祉士 精神保健福祉士 介護福祉士 公認心理師 看護師'.split(' ');

// A scene to record: an album whose pages are turned. Each page is drawn into a texture of its own
// (layer.enabled), at a size of its own, with a few smaller ones on it; a page that is turned away
// lets go of all of them. Ends by itself after `frame_count` frames.

import QtQuick
import QtQuick.Window

Window {
    id: window
    width: 640
    height: 480
    visible: true
    color: "#20242c"
    title: "Freehold: a scene to record"

    property int frame_count: 768
    property int frames_a_page: 24
    property int frame: 0
    property int page: Math.floor(frame / frames_a_page)

    FrameAnimation {
        running: true
        onTriggered: {
            window.frame += 1
            if (window.frame >= window.frame_count) {
                Qt.quit()
            }
        }
    }

    // What stays all the time: a background that is painted once.
    Canvas {
        anchors.fill: parent
        onPaint: {
            const c = getContext("2d")
            for (let i = 0; i < 24; i++) {
                c.fillStyle = Qt.hsla(i / 24, 0.4, 0.2, 1)
                c.fillRect(i * width / 24, 0, width / 24 - 2, height)
            }
        }
    }

    Component {
        id: page_component

        Item {
            id: sheet
            property int number: parent ? parent.number : 0 // the loader's
            property real scale_of_texture: 1 + (number * 7 % 5) * 0.25

            width: 560
            height: 400
            layer.enabled: true
            layer.smooth: true
            layer.mipmap: number % 3 === 0
            layer.textureSize: Qt.size(width * scale_of_texture, height * scale_of_texture)
            layer.samples: number % 4 === 3 ? 4 : 0
            rotation: Math.sin(window.frame / 20) * 6

            Rectangle {
                anchors.fill: parent
                radius: 12
                color: Qt.hsla(sheet.number * 0.13 % 1, 0.5, 0.8, 1)
            }

            Text {
                anchors.horizontalCenter: parent.horizontalCenter
                y: 8
                font.pixelSize: 28
                text: "Page " + sheet.number
            }

            Grid {
                anchors.centerIn: parent
                columns: 4
                spacing: 12

                Repeater {
                    model: 4 + sheet.number % 9

                    Rectangle {
                        required property int index
                        width: 110
                        height: 84
                        radius: 8
                        color: Qt.hsla((index * 0.21 + sheet.number * 0.07) % 1, 0.7, 0.5, 1)
                        opacity: 0.6 + 0.4 * Math.sin((window.frame + index * 9) / 12)
                        layer.enabled: index % 2 === 0
                        layer.textureSize: Qt.size(width * (1 + index % 3), height * (1 + index % 3))
                        rotation: index % 2 === 0 ? window.frame * 2 % 360 : 0

                        Text {
                            anchors.centerIn: parent
                            font.pixelSize: 20 + index
                            text: index + 1
                        }
                    }
                }
            }
        }
    }

    // Two pages at a time: the one that is shown, and the one that fades away.
    Repeater {
        model: 2

        Loader {
            id: place
            required property int index
            property int number: window.page - (window.page + index) % 2
            anchors.centerIn: parent
            z: number
            opacity: number < 0 ? 0 : number === window.page ? 1
                : Math.max(0, 1 - window.frame % window.frames_a_page / 15)
            active: opacity > 0
            sourceComponent: page_component
        }
    }
}
